"""docs/glossary.md, made of the words that `/v1/vocabulary` serves: `python -m tests.docs.glossary` writes it."""

from app.vocabulary import build_glossary
from tests.docs.reading import ROOT

PAGE = ROOT / "docs" / "glossary.md"
HEAD = """# Glossary · Glosario

The words of the field as this registry uses them. `/v1/vocabulary` serves the same words, with every code list, in
English and, with `lang=es`, in Spanish. This page is made of `app/glossary.toml`: change the words there, then write it
anew with `python -m tests.docs.glossary`.

| English | | español | |
|---|---|---|---|
"""


def text() -> str:
    """The page."""
    pairs = zip(build_glossary("en"), build_glossary("es"), strict=True)
    rows = [
        f"| **{en['label']}** | {en['definition']} | **{es['label']}** | {es['definition']} |\n" for en, es in pairs
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
