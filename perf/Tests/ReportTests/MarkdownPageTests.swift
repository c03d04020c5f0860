import Foundation
import Testing

#if canImport(FoundationXML)
import FoundationXML
#endif

@testable import seg_bench

/// Markdown as HTML.
@Suite struct MarkdownPageTests {
  private func html(_ markdown: String) throws -> String {
    let html = try MarkdownPage(markdown).html
    try expectWellFormed(html)
    return html
  }

  @Test func tablesScrollAndKeepTheirCells() throws {
    let html = try html(
      """
      | name | `size` | centre | n |
      |---|--:|:-:|---|
      | `a\\|b` | 1 | **x** | 12 |
      | a < b | 2 | | 1,024 |
      """)
    #expect(html.contains("<div class=\"table\">\n<table>") && html.contains("</table>\n</div>"))
    #expect(html.contains("<th>name</th>\n<th style=\"text-align: right\"><code>size</code></th>"))
    #expect(html.contains("<td><code>a|b</code></td>") && html.contains("<td>a &lt; b</td>"))
    #expect(html.contains("<td style=\"text-align: center\"><strong>x</strong></td>"))
    #expect(html.components(separatedBy: "<tr>").count - 1 == 3)
  }

  @Test(
    arguments: [
      (["1", "1,024", "3.5e-05"], true), (["99.998 %", "–", ""], true), (["137 (129–145)", "– [1]", "**21.3**"], true),
      (["×1.5", "27.4 / 45.5", "−1"], true), (["1", "image"], false), (["", "–"], false), (["3×3 padding 1"], false),
      (["[1, 2]", "unet"], false),
    ])
  func columnsOfNumbersAreAlignedRight(cells: [String], isRight: Bool) throws {
    let rows = cells.map { "| 1 | \($0) | \($0) |" }.joined(separator: "\n")
    let html = try html("| first | unstated | left |\n|---|---|:--|\n\(rows)")
    #expect(html.contains("<th style=\"text-align: right\">unstated</th>") == isRight)
    // The first column and a stated alignment stay.
    #expect(html.contains("<th>first</th>") && html.contains("<th style=\"text-align: left\">left</th>"))
  }

  @Test func codeIsText() throws {
    let html = try html(
      """
      ```swift
      let a: [Int] = x < y && z ? "*b*" : []

      # no heading
      ```

          indented | code |
          <b>

      `<i> & "q"`
      """)
    #expect(html.contains("<code class=\"language-swift\">let a: [Int] = x &lt; y &amp;&amp; z ? &quot;*b*&quot; : []"))
    #expect(html.contains("\n\n# no heading\n</code></pre>") && !html.contains("<h1"))
    #expect(html.contains("<pre><code>indented | code |\n&lt;b&gt;\n</code></pre>"))
    #expect(html.contains("<code>&lt;i&gt; &amp; &quot;q&quot;</code>"))
  }

  @Test func listsNest() throws {
    let html = try html("- a\n  continued\n  - b\n    1. c\n    2. d\n- e")
    #expect(
      html == """
        <ul>
        <li>a
        continued
        <ul>
        <li>b
        <ol>
        <li>c</li>
        <li>d</li>
        </ol>
        </li>
        </ul>
        </li>
        <li>e</li>
        </ul>

        """)
  }

  @Test func linksAreConvertedByTheCaller() throws {
    var seen: [String] = []
    let page = try MarkdownPage(
      "[a *b*](x.md#y) <https://e.org/?a=1&b=2> [s](javascript:alert(1)) [d](d.md \"t\")",
      link: { link in
        seen.append(link)
        return link.replacing(".md", with: ".html")
      })
    try expectWellFormed(page.html)
    #expect(seen == ["x.md#y", "https://e.org/?a=1&b=2", "javascript:alert(1)", "d.md"])
    #expect(page.html.contains("<a href=\"x.html#y\">a <em>b</em></a>"))
    #expect(page.html.contains("<a href=\"https://e.org/?a=1&amp;b=2\">https://e.org/?a=1&amp;b=2</a>"))
    #expect(page.html.contains("<a href=\"\">s</a>") && !page.html.contains("javascript"))
    #expect(page.html.contains("<a href=\"d.html\" title=\"t\">d</a>"))
  }

  @Test func picturesAreEmbeddedOrNamed() throws {
    let svg = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"><title>a &lt; b</title></svg>\n"
    let page = try MarkdownPage(
      "![one < \"1\"](a.svg)\n![two](b.png)\n\nText ![three](c.svg) ![four](d.png).",
      picture: { $0.hasSuffix(".svg") ? .embedded(svg: svg) : .file("p/\($0)") })
    try expectWellFormed(page.html)
    let element = "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>a &lt; b</title></svg>"
    #expect(page.html.contains("<figure>\(element)\n<figcaption>one &lt; &quot;1&quot;</figcaption></figure>"))
    #expect(page.html.contains("<figure><img src=\"p/b.png\" alt=\"two\" /><figcaption>two</figcaption></figure>"))
    #expect(page.html.contains("<p>Text <span class=\"picture\">\(element)\n</span>"))
    #expect(page.html.contains("<img src=\"p/d.png\" alt=\"four\" />"))
    #expect(!page.html.contains("<?xml"))
  }

  @Test func htmlIsTextAndCommentsAreLeftOut() throws {
    let html = try html(
      "<!-- a -->\n# T <b>x</b>\n\n<script>alert(1)</script>\n\n1 < 2 & `3` <img src=x onerror=y> &copy; <!-- b -->\n\n"
        + "| a |\n|---|\n| <td> |\n")
    #expect(!html.contains("<script") && !html.contains("<img") && !html.contains("<!--") && !html.contains("<b>"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("&lt;b&gt;x&lt;/b&gt;"))
    #expect(html.contains("1 &lt; 2 &amp; <code>3</code> &lt;img src=x onerror=y&gt; ©"))
    #expect(html.contains("<td>&lt;td&gt;</td>"))
  }

  @Test func headingsHaveAnchorsByGitHubsRule() throws {
    let page = try MarkdownPage("# The `U-Net`, *step* by step\n\n## 256²\n\n## A & B\n\n## A & B\n\n### Ü_b c!")
    try expectWellFormed(page.html)
    #expect(page.title == "The U-Net, step by step")
    #expect(page.headings.map(\.anchor) == ["the-u-net-step-by-step", "256²", "a--b", "a--b-1", "ü_b-c"])
    #expect(page.headings.map(\.level) == [1, 2, 2, 2, 3])
    #expect(page.html.contains("<h1 id=\"the-u-net-step-by-step\">"))
    #expect(page.html.contains("<code>U-Net</code>, <em>step</em> by step\n<a class=\"anchor\""))
    #expect(page.html.contains("<h2 id=\"a--b-1\">"))
    #expect(try MarkdownPage("text").title == "")
  }
}

/// Expects that HTML is XML, as it is where nothing is left unescaped or open.
func expectWellFormed(_ html: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let document = html.hasPrefix("<!DOCTYPE") ? html : "<body>\(html)</body>"
  let parser = XMLParser(data: Data(document.utf8))
  #expect(parser.parse(), "\(String(describing: parser.parserError))", sourceLocation: sourceLocation)
}
