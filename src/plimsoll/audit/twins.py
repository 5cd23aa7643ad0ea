"""Near-duplicate texts: which descriptions name the same thing in other words, without comparing them all."""

import polars as pl

EXACT = 1.0


def near_duplicates(texts: pl.DataFrame, *, similarity: float, block: int) -> pl.DataFrame:
    """Return the pairs of items whose descriptions are alike.

    Texts are put in lower case and split into words and numbers. Numbers decide: 20 mm and 25 mm are two
    things, so only texts with the same numbers are compared. Of those, texts of the same words in any
    order are alike; others are compared if they share a word that few have, by the share of three-letter
    pieces in common:

        J(a, b) = |a and b| / |a or b|                                              (Jaccard 1912)

    Parameters
    ----------
    texts : columns item_id, description; a null or wordless description is like no other
    similarity : least J
    block : a word that more items (with the same numbers) share is too common to compare by

    Returns
    -------
    pl.DataFrame
        one, other (item_id, one < other), similarity; sorted. Of many items with the same words each is
        paired with the first of them.

    Examples
    --------
    >>> texts = pl.DataFrame({
    ...     "item_id": ["A", "B", "C"],
    ...     "description": ["Ball valve 20 mm", "VALVE, ball 20MM", "Ball valve 25 mm"],
    ... })
    >>> near_duplicates(texts, similarity=0.8, block=30).rows()
    [('A', 'B', 1.0)]
    """
    words = _normalised(texts)
    groups = words.group_by("numbers", "letters").agg(pl.col("item_id").sort())
    groups = groups.with_columns(pl.col("item_id").list.first().alias("one")).sort("one")
    same = (
        groups.select("one", other="item_id")
        .explode("other", empty_as_null=False, keep_nulls=False)
        .filter(pl.col("one") != pl.col("other"))
        .with_columns(similarity=pl.lit(EXACT))
    )
    alike = _compared(groups.select("one", "numbers", "letters"), block)
    near = alike.filter(pl.col("similarity") >= similarity)
    return pl.concat([same, near]).sort("one", "other")


def _normalised(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the sorted numbers and the sorted words of each description, each as one text."""
    text = pl.col("description").str.to_lowercase()
    tokens = text.str.extract_all(r"[0-9]+(?:[.,][0-9]+)*|[^\W\d_]+")
    is_number = pl.element().str.contains(r"^[0-9]")
    return (
        texts.drop_nulls("description")
        .select("item_id", tokens=tokens)
        .select(
            "item_id",
            numbers=pl.col("tokens").list.filter(is_number).list.sort().list.join(" "),
            letters=pl.col("tokens").list.filter(~is_number).list.sort().list.join(" "),
        )
        .filter(pl.col("letters") != "")
    )


def _compared(groups: pl.DataFrame, block: int) -> pl.DataFrame:
    """Return pairs of different wordings with equal numbers that share a rare word, with their J."""
    numbered = groups.filter(pl.len().over("numbers") > 1)
    words = numbered.select(
        "one", "numbers", word=pl.col("letters").str.split(" ").list.unique(maintain_order=True)
    ).explode("word", empty_as_null=False, keep_nulls=False)
    rare = words.filter(pl.len().over("numbers", "word").is_between(2, block))
    pairs = (
        rare.join(rare, on=["numbers", "word"], suffix="_other")
        .filter(pl.col("one") < pl.col("one_other"))
        .select("one", other="one_other")
        .unique()
    )
    pieces = numbered.join(
        pl.concat([pairs.select("one"), pairs.select(one="other")]).unique(), on="one", how="semi"
    ).select("one", piece=_pieces(pl.col("letters")))
    sized = pairs.join(pieces, on="one").join(pieces, left_on="other", right_on="one", suffix="_other")
    both = pl.col("piece").list.set_intersection("piece_other").list.len()
    either = pl.col("piece").list.len() + pl.col("piece_other").list.len() - both
    return sized.select("one", "other", similarity=both / either)


def _pieces(text: pl.Expr) -> pl.Expr:
    """Return the distinct runs of three letters of a text, its ends marked."""
    marked = pl.lit("  ") + text + pl.lit(" ")
    shifted = [marked.str.slice(start) for start in range(3)]
    cut = [part.str.extract_all(r"(?s).{3}") for part in shifted]
    return pl.concat_list(cut).list.unique()
