/** One PEM block, normalized as in RFC 7468: 64 characters per line, LF. */
export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`, `PKCS7` … in capitals */
  readonly label: string;
  readonly text: string;
  /** The number of the block in the text, from 1, counting broken ones. */
  readonly at: number;
  /** Its offsets in the text. */
  readonly from: number;
  readonly to: number;
}

export interface BrokenBlock {
  readonly label: string;
  readonly at: number;
  readonly because: string;
}

export interface PemText {
  readonly blocks: readonly PemBlock[];
  readonly broken: readonly BrokenBlock[];
}

/** Also with the dashes of word processors, in lower case, or with a dash missing or added. */
const MARK = /[-‐-―]{2,7}[ ]{0,2}(BEGIN|END)(?:[ +]{1,3}([A-Za-z0-9\s+#./_-]{0,60}?))[ +]{0,2}[-‐-―]{2,7}/gi;
const EXACT = /^-----(BEGIN|END) [A-Z0-9 #./_-]*-----$/;

/**
 * Finds every PEM block of a text, and repairs blocks that OpenSSL rejects although nothing is lost: indented (as in YAML), joined to one line,
 * ended by CR, with `\n` written out as two characters (environment files, JSON in JSON), `\/` for `/`, quoted line by line, commented out, in an
 * HTML page.
 * Text around blocks is ignored. A block that cannot be repaired is in `broken`, with a reason that never quotes it. Takes linear time and never
 * throws.
 */
export function splitPem(text: string): PemText {
  const blocks: PemBlock[] = [];
  const broken: BrokenBlock[] = [];
  let open: { label: string; mark: number; from: number; at: number } | undefined;
  let at = 0;
  const closeBroken = (because: string) => open && broken.push({ label: open.label, at: open.at, because });
  // A script that searches for the line only mentions it.
  const closeUnfinished = (because: string, to: number) => {
    if (open && /[A-Za-z0-9+/]{24}/.test(text.slice(open.from, Math.min(to, open.from + 1000))))
      closeBroken(because);
  };

  for (const { index, 0: mark, 1: word, 2: written = '' } of text.matchAll(MARK)) {
    const label = written
      .replaceAll(/[\s+]+/g, ' ')
      .trim()
      .toUpperCase();
    // Banners and SQL have such lines too. If the line deviates from RFC 7468, the label must be a known one.
    if (!(EXACT.test(mark) || /CERT|PKCS|CMS|KEY/.test(label))) continue;
    if (word?.toUpperCase() === 'BEGIN') {
      closeUnfinished('it is truncated: another block begins before its END line', index);
      open = { label, mark: index, from: index + mark.length, at: (at += 1) };
    } else if (open) {
      const body = open.label === label ? repairBody(text.slice(open.from, index)) : undefined;
      if (body)
        blocks.push({
          label,
          at: open.at,
          text: `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`,
          from: open.mark,
          to: index + mark.length,
        });
      else
        closeBroken(
          open.label === label ? 'its content is not base64' : 'its BEGIN and END lines do not match',
        );
      open = undefined;
    } else if (label.endsWith('CERTIFICATE'))
      broken.push({ label, at: (at += 1), because: 'its BEGIN line is missing' });
  }
  closeUnfinished('it is truncated: its END line is missing', text.length);
  return { blocks, broken };
}

/** The DER in a block. */
export function derOf({ text }: Pick<PemBlock, 'text'>): Buffer {
  const lines = text.split('\n').slice(1, -2);
  return Buffer.from(lines.filter((line) => !line.includes(':')).join(''), 'base64');
}

/** As in RFC 7468, with nothing to repair. Tried only on short blocks, because such an expression overflows the stack on megabytes. */
const REGULAR = /^\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{1,64}={0,2}\n$/;
const LONGEST_TRIED = 64 * 1024;

/** The base64 in lines of 64, after the headers of an old encrypted key (RFC 1421); undefined if it contains anything else. */
function repairBody(body: string): string | undefined {
  if (body.length <= LONGEST_TRIED && REGULAR.test(body)) return body.slice(1, -1);
  const lines = body
    .replaceAll(/\\{1,16}[nrt]/g, '\n')
    .replaceAll(/[\\\u00A0\u00AD\u200B-\u200F\u2060\uFEFF]/g, '')
    .replaceAll(/<[a-z]{1,10} ?\/?>/gi, '\n')
    .split(/[\r\n\0]+/);
  const bare = unquote(lines).map((line) => line.trim());
  const headers = bare.filter((line) => line.includes(':'));
  const base64 = bare
    .filter((line) => !line.includes(':'))
    .join('')
    .replaceAll(/\s+/g, '')
    // RFC 4880 section 6.1 appends a checksum.
    .replace(/=[A-Za-z0-9+/]{4}$/, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const wrapped = base64.replaceAll(/.{64}(?=.)/g, '$&\n');
  return headers.length > 0 ? `${headers.join('\n')}\n\n${wrapped}` : wrapped;
}

/** Removes what a programming language, a comment or an email adds around each line: `"MII…" +`, `# MII…`, `> MII…`. */
function unquote(lines: readonly string[]): readonly string[] {
  const isPlain = lines.every((line) => /^[\sA-Za-z0-9+/=:,.-]*$/.test(line));
  if (isPlain) return lines;
  // Base64 may also begin with slashes.
  const comment = lines.every((line) => /^\s*(\/\/|$)/.test(line)) ? /^\s*\/\/\s*/ : /^[\s#>*|;-]+/;
  return lines.map((line) => {
    const quoted =
      /["'`]([^"'`]*)["'`]/.exec(line) ??
      /^[^"'`]*["'`]([^"'`]*)$/.exec(line) ??
      /^([^"'`]*)["'`]/.exec(line);
    const inner = (quoted?.[1] ?? line).replace(comment, '');
    return isBetweenLiterals(inner) ? '' : withoutEnd(inner);
  });
}

/** What separates two string literals: `" +`. */
function isBetweenLiterals(text: string): boolean {
  return /^[\s+.&|,;()_]*$/.test(text);
}

/** Not a regular expression: one for the end of a line takes quadratic time on a line of such characters. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && ' \t,;|*'.includes(line[end - 1] ?? '')) end -= 1;
  return line.slice(0, end);
}
