extension Palette {
  /// The default colours: black for label 0, then 255 colours that are as far apart as possible for people with normal
  /// and with colour-deficient vision.
  ///
  /// The distance of two colours is the least of their CIEDE2000 distances in normal vision and in protanopia,
  /// deuteranopia and tritanopia, simulated by the matrices of Machado, Oliveira and Fernandes (2009) at severity 1. It
  /// is at least 14.9 for the first 8 colours after black, 7.4 for the first 19, and 2 for all; in normal vision at
  /// least 32, 17 and 4.7. The first 8 are as far from black, from a dark grey and from a mid red.
  /// `Scripts/distinct_palette.py` computes the table.
  public static let distinct = Palette(
    hexadecimal: """
      000000 4455ff ffff00 ee9977 ddbbff 33ffcc 008888 ee0088 778800 0099ee 55dd00 996644 ffcc77 9977bb ff3300 22bbcc
      ff44ff cc6666 ddffaa bb11cc 554455 aaaaaa ffffff 004477 005511 4400bb 556655 771144 88bb99 bbeeff 44aa44 336677
      dd88bb 884444 eeccdd 779999 998877 aa6688 664499 cccc99 555555 99bb44 886666 eeaaaa 881100 5566aa 778899 004444
      bbee22 334433 ff7788 00ddcc aa2266 667777 bbccbb eeffee ffee88 aaaaee 662266 6611ff bb4422 668866 ccccee 999977
      bb0044 223399 cc8844 777755 ee44bb 006644 cccc55 aaffbb aaaa00 445566 7777dd 447799 997744 7799cc 9999aa 8822bb
      7755cc bb9999 881133 666688 88aa66 009955 2299aa 0033dd 99bbbb bb77ee dd6699 bb3399 eeaa66 88bbdd ffffcc 995500
      ffccbb 005577 775566 774422 665533 669922 aaffff 553355 cc6600 aa55ff 88ccdd 9933ee ddeeee 44bb88 22ee77 7777aa
      77aabb aaff66 aaddcc ffddaa 22aaaa cc7788 776677 ff88ff ff8800 224400 55cccc eeddcc 770088 663333 336699 558877
      dd6633 eebb00 ccffdd bb55cc aa5566 445588 992288 bb7755 776622 99cc88 bbddff cc99cc bbbbaa 55aadd ccbbbb aa9955
      ddccaa cc88dd 997777 ddddee 77bb55 886633 44cc77 5533aa 666644 8888cc 2255aa ccaa99 ff88bb 667744 773355 9955bb
      559966 993333 337755 dddddd ccdd99 553344 eeaaee ffaacc 88eebb 9988bb 0066dd 66bbff cceedd cc8877 227777 dddd88
      dd66cc aa77aa 445522 cc3355 8888ff eeff77 885533 ffeeff aabb22 ff8866 990066 77eeee 99dd66 888833 99dddd 6622cc
      77aa99 5588bb aa0011 2200ee 88ffee 998844 447766 775577 bbff99 6688dd 66ff44 66ccaa 228822 114499 dd44dd 664477
      77ffaa aa44aa aa6633 8844bb 0055dd 771122 66ccee 7799ff 00aa88 aa99ee 664411 aaaa88 33ddff ffff99 443388 88dd88
      99ddaa eeee55 aa8888 335533 771155 ccdd55 dd4499 aabb88 888855 ccbbcc ccbbdd 5577ee 5544bb eebbbb 553377 994400
      88cc44 66bb77 555577 88aaaa 44bb22 777788 9922aa 0044ee 66dd99 6600aa ee7766 bbbb99 ccaadd ddcc44 2277cc 557711
      """)
}
