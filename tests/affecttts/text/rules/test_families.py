"""Each family of rules: what it writes out, and what it must leave alone."""

import pytest

from affecttts.text import normalize

FAMILIES = {
    "addresses": [
        ("See mail.nasa.gov and bbc.co.uk.", "See mail dot nasa dot gov and bbc dot co dot UK."),
        ("Open report.pdf in Node.js.", "Open report dot pdf in Node dot JS."),
        ("He did it.So what?Then", "He did it. So what? Then."),
        ("Run `ls -la` and main().", "Run ls dash la and main."),
        ("Say /greet/, see /etc/hosts", "Say greet, see slash etc slash hosts."),
        ("localhost:3000", "localhost colon three thousand."),
    ],
    "serials": [
        ("Call 415.555.0133.", "Call four one five, five five five, zero one three three."),
        ("PIN 4821 or dial 911", "PIN four eight two one or dial nine one one."),
        ("Call 500 customers", "Call five hundred customers."),
        ("a Boeing 737-800", "a Boeing seven thirty seven eight hundred."),
        ("1000000000 stars", "one billion stars."),
    ],
    "abbreviations": [
        ("Elm Dr. and Dr. Elm", "Elm Drive and Doctor Elm."),
        ("St. Mary and Main St. The end", "Saint Mary and Main Street. The end."),
        ("At 3 p.m. Jones left.", "At three PM Jones left."),
        ("He left at 3 p.m. Then he slept.", "He left at three PM. Then he slept."),
        ("a Ph.D. in maths", "a PhD in maths."),
        ("I.V. and W.H.O. but U.S.", "I V and W H O but US."),
        ("w/ milk, w/o sugar", "with milk, without sugar."),
        ("Do you agree? No. I left.", "Do you agree? No. I left."),
    ],
    "money": [
        ("a $5 bill for $5", "a five dollar bill for five dollars."),
        ("C$2bn, 99¢, ₹500", "two billion Canadian dollars, ninety nine cents, five hundred rupees."),
        ("$12 billion dollars", "twelve billion dollars."),
        ("18,50 € and 1.299,00 €", "eighteen euros and fifty cents and one thousand two hundred ninety nine euros."),
        ("$10-$15 or $10-15", "ten dollars to fifteen dollars or ten to fifteen dollars."),
        ("1080p video", "ten eighty p video."),
    ],
    "dates": [
        ("on 10/12", "on October twelfth."),
        ("It is 7/10", "It is seven out of ten."),
        ("9/11 and 24/7", "nine eleven and twenty four seven."),
        ("the Rain and Sun. From Jan Comenius", "the Rain and Sun. From Jan Comenius."),
        ("Sat and Sun, from Jan to Mar", "Saturday and Sunday, from January to March."),
        ("3-5 June, June 3-5", "the third to the fifth of June, June third to fifth."),
        ("Mon-Fri, the sun sat.", "Monday to Friday, the sun sat."),
        ("2024's best of the '90s", "twenty twenty four's best of the nineties."),
    ],
    "times": [
        ("9am-5pm, 7.30pm", "nine AM to five PM, seven thirty PM."),
        ("3:1 and odds of 5:10", "three to one and odds of five to ten."),
        ("1 Cor. 13:4-7", "First Corinthians thirteen four to seven."),
        ("2h 30m", "two hours thirty minutes."),
    ],
    "units": [
        ("A 12-km run", "A twelve kilometer run."),
        ("9.8 m/s² and 20 kg/m³", "nine point eight meters per second squared and twenty kilograms per cubic meter."),
        ("5%-10%, 64GB-128GB", "five percent to ten percent, sixty four gigabytes to one hundred twenty eight gigabytes."),
        ("seat 12L, 5g networks", "seat twelve L, five G networks."),
        ("50g of flour, 3 m people", "fifty grams of flour, three million people."),
        ('He said "24" of 27" screens', "He said twenty four of twenty seven inch screens."),
    ],
    "numbers": [
        ("1,000th of 1 000 000", "one thousandth of one million."),
        ("10⁻³, 1.5e-7, x²", "ten to the minus three, one point five times ten to the minus seven, x squared."),
        ("1500 bolts in 1500", "one thousand five hundred bolts in fifteen hundred."),
        ("120/80, 3/4", "one hundred twenty over eighty, three quarters."),
    ],
    "roman": [
        ("World War II, Henry VIII", "World War two, Henry the eighth."),
        ("Malcolm X, vitamin C, I am", "Malcolm X, vitamin C, I am."),
        ("Elizabeth I was, the book I read", "Elizabeth the first was, the book I read."),
        ("XIX century, MIX it, an IV drip", "nineteenth century, MIX it, an I V drip."),
    ],
    "shouting": [
        ("TELL US NOW!", "tell us now!"),
        ("US TROOPS LEAVE", "US troops leave."),
        ("NASA, FBI, NATO", "NASA, FBI, NATO."),
        ("the IT department", "the IT department."),
    ],
    "signs": [
        ("5 != 3, a <= b", "five is not equal to three, a less than or equal to b."),
        ("C#, A-, ~20, #1, #tag", "C sharp, A minus, about twenty, number one, hashtag tag."),
        ("Q&A :-) I <3 you", "Q and A I love you."),
    ],
    "markup": [
        ("A <b>bold</b> &amp; a<b", "A bold and a less than b."),
        ("**Bold**, [link](http://x.org), 2*3", "Bold, link, two times three."),
        ("as shown.[12] Then", "as shown. Then."),
    ],
    "lines": [
        ("- one\n- two", "one. two."),
        ("Roses are red\nViolets are blue\nSugar is sweet", "Roses are red, Violets are blue, Sugar is sweet."),
        (
            "It is a case of the many projects that scholars\nset up to support the analysis of texts, as the\nTLG is; it is devoted to the texts of classical\nGreece.",
            "It is a case of the many projects that scholars set up to support the analysis of texts, as the TLG is, it is devoted to the texts of classical Greece.",
        ),
        (
            "We walked along the river until the sun\nwent down behind the hills and the town lay\nin shadow.",
            "We walked along the river until the sun went down behind the hills and the town lay in shadow.",
        ),
    ],
}  # fmt: skip
ROWS = [(name, *row) for name, rows in FAMILIES.items() for row in rows]


@pytest.mark.parametrize(("family", "written", "said"), ROWS)
def test_a_family_writes_out_its_own_and_no_other(family: str, written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said
