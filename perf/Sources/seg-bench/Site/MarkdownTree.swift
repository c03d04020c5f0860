import CCMarkGFM
import Foundation

/// The syntax tree that libcmark-gfm makes of Markdown: CommonMark with the tables of GitHub.
///
/// A node is valid as long as its tree.
final class MarkdownTree {
  private let root: Node

  init(_ markdown: String) {
    Self.registerExtensions
    let parser = cmark_parser_new(Self.options)!
    defer { cmark_parser_free(parser) }
    cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension("table"))
    var markdown = markdown
    markdown.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { cmark_parser_feed(parser, $0.baseAddress, $0.count) }
    }
    root = Node(pointer: cmark_parser_finish(parser))
  }

  deinit { cmark_node_free(root.pointer) }

  /// All nodes in the order of the text.
  var nodes: [Node] { root.nodes }

  /// The tree as HTML. Links to scripts lose their targets.
  var html: String { owned(cmark_render_html(root.pointer, Self.options, nil)) }

  private static let options = CMARK_OPT_TABLE_PREFER_STYLE_ATTRIBUTES

  /// Registration is not thread-safe in C; a static constant is.
  private static let registerExtensions: Void = cmark_gfm_core_extensions_ensure_registered()
}

extension MarkdownTree {
  struct Node {
    fileprivate let pointer: OpaquePointer

    /// The name of the library, such as `heading`.
    var kind: String { String(cString: cmark_node_get_type_string(pointer)) }

    var parent: Node? { cmark_node_parent(pointer).map(Node.init) }

    var children: [Node] {
      Array(sequence(first: cmark_node_first_child(pointer)) { cmark_node_next($0) }.prefix { $0 != nil })
        .compactMap { $0.map(Node.init) }
    }

    /// The node and all below it in the order of the text.
    var nodes: [Node] { [self] + children.flatMap(\.nodes) }

    /// The text of code, HTML and text nodes.
    var literal: String { cmark_node_get_literal(pointer).map { String(cString: $0) } ?? "" }

    /// The text without its marks.
    var plainText: String {
      nodes.map { ["softbreak", "linebreak"].contains($0.kind) ? " " : $0.literal }.joined()
    }

    var headingLevel: Int { Int(cmark_node_get_heading_level(pointer)) }

    /// The target of a link or picture.
    var url: String {
      get { cmark_node_get_url(pointer).map { String(cString: $0) } ?? "" }
      nonmutating set { cmark_node_set_url(pointer, newValue) }
    }

    func remove() {
      cmark_node_unlink(pointer)
      cmark_node_free(pointer)
    }

    /// Replaces a node and all below it by HTML.
    func replace(withHTML html: String) { replace(with: custom(html, "")) }

    /// Replaces a node and all below it by text; a block becomes a paragraph.
    func replace(withText text: String) {
      let leaf = cmark_node_new(CMARK_NODE_TEXT)!
      cmark_node_set_literal(leaf, text)
      guard isBlock else { return replace(with: leaf) }
      let paragraph = cmark_node_new(CMARK_NODE_PARAGRAPH)!
      cmark_node_append_child(paragraph, leaf)
      replace(with: paragraph)
    }

    /// Puts HTML before and after a node.
    func wrap(_ start: String, _ end: String) {
      let wrapper = custom(start, end)
      cmark_node_insert_before(pointer, wrapper)
      cmark_node_append_child(wrapper, pointer)
    }

    /// Puts HTML around the children of a node, which goes.
    func unwrap(_ start: String, _ end: String) {
      let wrapper = custom(start, end)
      for child in children { cmark_node_append_child(wrapper, child.pointer) }
      replace(with: wrapper)
    }

    private func replace(with other: OpaquePointer) {
      precondition(cmark_node_replace(pointer, other) == 1, "a \(kind) cannot be replaced")
      cmark_node_free(pointer)
    }

    private var isBlock: Bool {
      cmark_node_get_type(pointer).rawValue & UInt32(CMARK_NODE_TYPE_MASK) == UInt32(CMARK_NODE_TYPE_BLOCK)
    }

    /// A node that is written as it is, of the same class as this one: block or inline.
    private func custom(_ start: String, _ end: String) -> OpaquePointer {
      let node = cmark_node_new(isBlock ? CMARK_NODE_CUSTOM_BLOCK : CMARK_NODE_CUSTOM_INLINE)!
      cmark_node_set_on_enter(node, start)
      cmark_node_set_on_exit(node, end)
      return node
    }
  }
}

extension MarkdownTree.Node {
  /// How a column of a table is aligned.
  enum Alignment: UInt8 {
    case unstated = 0
    case left = 0x6C
    case center = 0x63
    case right = 0x72
  }

  /// The alignment of a table's columns.
  var alignments: [Alignment] {
    get {
      let count = Int(cmark_gfm_extensions_get_table_columns(pointer))
      let bytes = UnsafeBufferPointer(start: cmark_gfm_extensions_get_table_alignments(pointer), count: count)
      return bytes.map { Alignment(rawValue: $0) ?? .unstated }
    }
    nonmutating set {
      var bytes = newValue.map(\.rawValue)
      cmark_gfm_extensions_set_table_alignments(pointer, UInt16(bytes.count), &bytes)
    }
  }
}

/// A string of the library, which is freed.
private func owned(_ text: UnsafeMutablePointer<CChar>) -> String {
  defer { free(text) }
  return String(cString: text)
}
