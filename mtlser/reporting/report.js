// Sortable tables and the embedded scores as a file; the page reads well without any of it.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const key = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replace("−", "-").replace(/,/g, ""));
    return Number.isNaN(number) ? text : number;
  };
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") === "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a, column), key(b, column)];
        const order = typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === "number" ? 1 : -1;
        return down ? order : -order;
      });
      body.append(...rows);
    });
  });
}
const link = document.getElementById("download");
const data = document.getElementById("scores").textContent;
link.href = URL.createObjectURL(new Blob([JSON.stringify(JSON.parse(data), null, 1)], { type: "application/json" }));
link.hidden = false;
