// Sorting, downloads and figures; every number is in a table, so the page reads well without it.
"use strict";
const say = (text) => { document.getElementById("status").textContent = text; };
const plain = (text) => text.trim().replace(/−/g, "-").replace(/^[–★]$/, "");

// Tables: a button in each heading sorts; what is absent stays at the end.
const sortKey = (cell) => {
  const text = plain(cell.textContent);
  const number = parseFloat(text.replace(/,/g, ""));
  return text === "" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
};
const inOrder = (a, b) => {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
};
const sortBy = (table, cell) => {
  const column = cell.cellIndex;
  const down = cell.getAttribute("aria-sort") === "descending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  cell.setAttribute("aria-sort", down ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows].map((row) => [sortKey(row.cells[column]), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return down ? inOrder(a, b) : -inOrder(a, b);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
  say(`Sorted by ${cell.textContent}, ${down ? "ascending" : "descending"}`);
};
for (const table of document.querySelectorAll("table.sortable")) {
  if (table.tBodies[0].rows.length < 2) continue;
  for (const cell of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => sortBy(table, cell));
  }
}

// Downloads.
const save = (name, text, type) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const quoted = (text) => {
  // A spreadsheet takes a text that begins like this for a formula.
  const safe = /^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};
const csv = (table) => {
  const grid = [...table.rows].map((row) => [...row.cells].map((cell) => plain(cell.textContent)));
  const wide = grid[0].map((_, i) => grid.some((row) => / ± /.test(row[i] ?? "")));
  return grid.map((row, index) => row.flatMap((text, i) => {
    if (!wide[i]) return [/^[+\d-][\d,]*(\.\d+)?$/.test(text) ? text.replace(/,/g, "") : text];
    return index ? [text.split(" ± ")[0], text.split(" ± ")[1] ?? ""] : [text, `${text} SD`];
  }).map(quoted).join(",")).join("\r\n") + "\r\n";
};
for (const button of document.querySelectorAll("button.csv")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const table = document.getElementById(button.dataset.table);
    save(`${button.dataset.name}.csv`, csv(table), "text/csv;charset=utf-8");
  });
}
const everything = document.getElementById("download");
if (everything) {
  everything.hidden = false;
  everything.addEventListener("click", () => {
    const parts = [...document.querySelectorAll('script[type="application/json"]')];
    const whole = Object.fromEntries(parts.map((part) => [part.id, JSON.parse(part.textContent)]));
    save("report.json", JSON.stringify(whole, null, 1), "application/json");
  });
}

// Figures: plotly is inflated and started once the page has been painted.
const specs = Object.fromEntries(
  JSON.parse(document.getElementById("figures").textContent).map((spec) => [spec.id, spec]),
);
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const coloured = (trace) => {
  const own = structuredClone(trace);
  if (own.meta.heat) {
    const ends = [colour("card"), colour("hot")];
    own.colorscale = (own.meta.reversed ? ends.reverse() : ends).map((end, i) => [i, end]);
    own.textfont = { color: colour("ink") };
    return own;
  }
  const shade = colour(`c${own.meta.colour}`);
  own.marker = { ...own.marker, color: shade };
  if (own.line) own.line = { ...own.line, color: shade };
  if (own.error_y) own.error_y.color = shade;
  return own;
};
const axes = (spec, width) => {
  const grid = { gridcolor: colour("rule"), zerolinecolor: colour("rule"), automargin: true };
  if (spec.data.some((trace) => trace.type === "surface")) {
    const scene = { xaxis: { ...grid, ...spec.x }, yaxis: { ...grid, ...spec.y }, zaxis: { ...grid, title: { text: "" } } };
    for (const axis of Object.values(scene)) delete axis.automargin;
    return { height: spec.height, scene: { ...scene, dragmode: "turntable" } };
  }
  if (!spec.panels.length) {
    return { height: spec.height, xaxis: { ...grid, ...spec.x }, yaxis: { ...grid, ...spec.y } };
  }
  const count = spec.panels.length;
  const across = Math.max(1, Math.min(count, Math.floor(width / spec.panel_width)));
  const down = Math.ceil(count / across);
  const cell = { showgrid: false, zeroline: false, ticks: "" };
  const layout = { height: down * spec.height + 30, annotations: [] };
  spec.panels.forEach((text, index) => {
    const key = index ? String(index + 1) : "";
    const [column, row] = [index % across, Math.floor(index / across)];
    const x = [(column + 0.02) / across, (column + 0.97) / across];
    const y = [1 - (row + 0.78) / down, 1 - (row + 0.1) / down];
    layout[`xaxis${key}`] = { ...spec.x, ...cell, domain: x, anchor: `y${key}`, tickfont: { size: 11 } };
    layout[`yaxis${key}`] = { ...spec.y, ...cell, domain: y, anchor: `x${key}`, tickfont: { size: 11 } };
    if (column) Object.assign(layout[`yaxis${key}`], { title: undefined, showticklabels: false });
    if (row < down - 1) delete layout[`xaxis${key}`].title;
    layout.annotations.push({
      text: escaped(text), x: x[0], y: y[1], xref: "paper", yref: "paper", xanchor: "left",
      yanchor: "bottom", showarrow: false, font: { size: 13, color: colour("ink") },
    });
  });
  return layout;
};
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const layoutOf = (spec, width) => ({
  ...axes(spec, width),
  showlegend: false,
  barmode: "group",
  dragmode: false,
  autosize: true,
  margin: { l: 56, r: 14, t: 16, b: 46 },
  paper_bgcolor: colour("card"),
  plot_bgcolor: colour("card"),
  font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") },
  hoverlabel: { bgcolor: colour("ink"), font: { color: colour("page") } },
});
const settings = { responsive: true, displayModeBar: false };
const off = {};
const shown = (spec) => spec.data.map((trace, index) => {
  const own = coloured(trace);
  own.name = escaped(own.name ?? "");
  own.visible = off[spec.id]?.[index] === undefined ? own.visible ?? true : !off[spec.id][index] || "legendonly";
  return own;
});
const widths = {};
const draw = async (place) => {
  const spec = specs[place.dataset.figure];
  widths[spec.id] = place.clientWidth;
  place.querySelector("noscript")?.remove();
  await Plotly.react(place, shown(spec), layoutOf(spec, place.clientWidth), settings);
  place.style.minHeight = "";
  place.dataset.drawn = "true";
};
const legend = (place) => {
  const spec = specs[place.dataset.figure];
  const box = place.closest("figure").querySelector(".legend");
  const named = spec.data.map((trace, index) => [trace, index]).filter(([trace]) => trace.name && trace.showlegend !== false);
  if (spec.panels.length || named.length < 2) return box.remove();
  off[spec.id] = spec.data.map((trace) => trace.visible === "legendonly");
  for (const [trace, index] of named) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "key";
    button.setAttribute("aria-pressed", String(!off[spec.id][index]));
    const swatch = document.createElement("i");
    swatch.style.background = `var(--c${trace.meta.colour})`;
    button.append(swatch, trace.name);
    button.addEventListener("click", () => {
      off[spec.id][index] = !off[spec.id][index];
      button.setAttribute("aria-pressed", String(!off[spec.id][index]));
      if (place.dataset.drawn) draw(place);
    });
    box.append(button);
  }
};
const picture = async (place) => {
  const spec = specs[place.dataset.figure];
  const width = 1000;
  const layout = layoutOf(spec, width);
  const many = spec.data.filter((trace) => trace.name && trace.showlegend !== false).length > 1;
  const title = document.getElementById(`${spec.id}-title`).textContent;
  layout.title = { text: escaped(title), x: 0.02, font: { size: 16 } };
  layout.margin = { ...layout.margin, t: 52 };
  layout.showlegend = many && !spec.panels.length;
  layout.autosize = false;
  layout.width = width;
  layout.height = (layout.height ?? spec.height) + (layout.showlegend ? 80 : 40);
  await Plotly.downloadImage({ data: shown(spec), layout }, {
    format: "png", width, height: layout.height, scale: 2, filename: spec.id,
  });
};
const inflate = async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
};
const pause = () => new Promise((done) => setTimeout(done, 0));
const start = async () => {
  const places = [...document.querySelectorAll(".plot")];
  if (!places.length) return;
  try {
    await inflate();
  } catch (error) {
    for (const place of places) place.textContent = `This browser cannot draw the figure (${error.message}); its numbers are below.`;
    return;
  }
  for (const place of places) { await draw(place); await pause(); }
  for (const tools of document.querySelectorAll("figure .tools")) tools.hidden = false;
  for (const button of document.querySelectorAll("button.png")) {
    button.addEventListener("click", () => picture(document.querySelector(`.plot[data-figure="${button.dataset.figure}"]`)));
  }
  dark.addEventListener("change", () => places.forEach(draw));
  const panels = places.filter((place) => specs[place.dataset.figure].panels.length);
  addEventListener("resize", () => panels.forEach((place) => place.clientWidth !== widths[place.dataset.figure] && draw(place)));
  document.documentElement.dataset.ready = "true";
};
document.querySelectorAll(".plot").forEach(legend);
addEventListener("load", () => requestAnimationFrame(() => setTimeout(start, 30)));
