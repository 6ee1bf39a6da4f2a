/** Returns whether a text contains the parts between the `*` of a pattern, in their order, case-insensitively. */
export function finderFor(pattern: string): (text: string) => boolean {
  const pieces = pattern.toLowerCase().split('*').filter(Boolean);
  return (text) => {
    const within = text.toLowerCase();
    let at = 0;
    return pieces.every((piece) => {
      const start = within.indexOf(piece, at);
      at = start + piece.length;
      return start >= 0;
    });
  };
}
