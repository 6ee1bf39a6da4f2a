/** One PEM block, whatever shape it was found in, as RFC 7468 would have it: 64 characters a line, LF. */
export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`, `PKCS7` … */
  readonly label: string;
  readonly text: string;
  /** Which of the text's blocks it is, from 1, the broken ones counted. */
  readonly at: number;
}

export interface BrokenBlock {
  readonly label: string;
  readonly at: number;
  readonly because: string;
}

export interface PemText {
  readonly blocks: readonly PemBlock[];
  readonly broken: readonly BrokenBlock[];
  /** There were more than `MAX_BLOCKS`; the rest was not read. */
  readonly more: boolean;
}

export const MAX_BLOCKS = 500;

/**
 * Finds every PEM block of a text, and mends what OpenSSL refuses though nothing is lost: indented (as in YAML), joined to one line,
 * ended by CR, with `\n` written out as two characters (environment files, JSON in JSON), `\/` for `/`. What stands around blocks is ignored.
 * A block that cannot be mended is in `broken`, with words that never quote it. Takes linear time and never throws.
 */
export function splitPem(text: string): PemText {
  const blocks: PemBlock[] = [];
  const broken: BrokenBlock[] = [];
  let open: { label: string; from: number; at: number } | undefined;
  let at = 0;
  const closeBroken = (because: string) => open && broken.push({ label: open.label, at: open.at, because });

  for (const { index, 0: mark, 1: word, 2: label = '' } of text.matchAll(
    /-----[ ]?(BEGIN|END) ([A-Z0-9 #]{1,40}?)[ ]?-----/g,
  )) {
    if (word === 'BEGIN') {
      closeBroken('it is cut short: another block begins before its END line');
      if (at === MAX_BLOCKS) return { blocks, broken, more: true };
      open = { label, from: index + mark.length, at: (at += 1) };
    } else if (open) {
      const body = open.label === label ? mendBody(text.slice(open.from, index)) : undefined;
      if (body)
        blocks.push({
          label,
          at: open.at,
          text: `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`,
        });
      else
        closeBroken(
          open.label === label
            ? 'what it holds is not base64'
            : 'its BEGIN and END lines name different things',
        );
      open = undefined;
    }
  }
  closeBroken('it is cut short: its END line is missing');
  return { blocks, broken, more: false };
}

/** As RFC 7468 has it: nothing to mend. Only tried on what is short, because such an expression runs out of stack on megabytes. */
const REGULAR = /^\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{1,64}={0,2}\n$/;
const LONGEST_TRIED = 64 * 1024;

/** The base64 in lines of 64, after the headers of an old encrypted key (RFC 1421); undefined where it holds anything else. */
function mendBody(body: string): string | undefined {
  if (body.length <= LONGEST_TRIED && REGULAR.test(body)) return body.slice(1, -1);
  const lines = body
    .replaceAll(/\\+[nrt]/g, '\n')
    .replaceAll('\\', '')
    .split(/[\r\n]+/);
  const headers = lines.map((line) => line.trim()).filter((line) => line.includes(':'));
  const base64 = lines
    .filter((line) => !line.includes(':'))
    .join('')
    .replaceAll(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const wrapped = base64.replaceAll(/.{64}(?=.)/g, '$&\n');
  return headers.length > 0 ? `${headers.join('\n')}\n\n${wrapped}` : wrapped;
}
