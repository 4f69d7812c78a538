# growth.awk: a picture (SVG) of what growth.sh has measured
#
# usage: awk -f growth.awk growth.tsv >growth.svg
#
# Above the processor's time, below the memory of the largest process, both
# axes by powers of ten; a column for each series.

function x_of(n) {
	return n <= 1 ? 0 : log(n) / log(10)
}

function escape(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return text
}

function text(x, y, size, anchor, words) {
	printf "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" " \
	    "text-anchor=\"%s\">%s</text>\n", x, y, size, anchor, escape(words)
}

function line(x1, y1, x2, y2, colour, width) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" " \
	    "stroke=\"%s\" stroke-width=\"%s\"/>\n", x1, y1, x2, y2, colour,
	    width
}

# One diagram: values of column "col" for series s, decades low to high.
function diagram(s, left, top, col, low, high, title,	i, k, d, x, y, px, py) {
	text(left + W / 2, top - 8, 12, "middle", title)
	for (d = low; d <= high; d++) {
		y = top + H - (d - low) / (high - low) * H
		line(left, y, left + W, y, "#ddd", 1)
		text(left - 4, y + 4, 10, "end", 10 ^ d)
	}
	for (d = 0; d <= 6; d++) {
		x = left + d / 6 * W
		line(x, top, x, top + H, "#eee", 1)
		text(x, top + H + 14, 10, "middle", d == 0 ? "1" : "10^" d)
	}
	for (k = 1; k <= works; k++) {
		px = ""
		for (i = 1; i <= rows; i++) {
			if (series[i] != s || work[i] != names[k])
				continue
			y = log(value[i, col] > 0 ? value[i, col] : 1) / log(10)
			x = left + x_of(n[i]) / 6 * W
			y = top + H - (y - low) / (high - low) * H
			if (px != "")
				line(px, py, x, y, colours[k], 2)
			printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" " \
			    "fill=\"%s\"/>\n", x, y, colours[k]
			px = x
			py = y
		}
	}
}

BEGIN {
	FS = "\t"
	W = 250
	H = 200
	split("#1b6ca8 #c2410c #15803d #7c3aed #a16207 #be185d #475569", colours,
	    " ")
}

NF == 6 && $3 != "settled" && $2 > 0 {
	rows++
	series[rows] = $1
	n[rows] = $2
	work[rows] = $3
	value[rows, "cpu"] = $5
	value[rows, "kib"] = $6 / 1024
	if (!($3 in known)) {
		known[$3] = ++works
		names[works] = $3
	}
}

END {
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"980\" " \
	    "height=\"620\" font-family=\"sans-serif\">"
	print "<rect width=\"980\" height=\"620\" fill=\"white\"/>"
	split("messages mailboxes changes", columns, " ")
	for (c = 1; c <= 3; c++) {
		left = 60 + (c - 1) * (W + 60)
		diagram(columns[c], left, 40, "cpu", 0, 6,
		    "processor, ms, by " columns[c])
		diagram(columns[c], left, 310, "kib", 0, 3,
		    "largest process, MiB, by " columns[c])
	}
	for (k = 1; k <= works; k++) {
		x = 60 + int((k - 1) % 4) * 225
		y = 565 + int((k - 1) / 4) * 22
		line(x, y - 4, x + 20, y - 4, colours[k], 3)
		text(x + 26, y, 12, "start", names[k])
	}
	print "</svg>"
}
