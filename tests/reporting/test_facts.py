from mtlser.data.audit import Audit
from mtlser.reporting import facts
from tests.helpers.pages import AUDIT, INGEST


def test_the_audit_record_has_the_names_that_the_page_reads() -> None:
    assert AUDIT.keys() <= Audit.model_fields.keys()


def test_long_lists_of_ids_are_cut_and_counted() -> None:
    sections = {section.title: section for section in facts.sections(INGEST)}
    assert sections["left out"].rows[0][2] == "id0, id1, id2 … (4,508 in all)"
    assert ("dropped", "none") in sections["Ingest"].rows
    assert sections["by speaker"].rows == (("Ses01_F", "528"),)
    assert sections["by emotion"].rows[0] == ("neutral", "1,708")
