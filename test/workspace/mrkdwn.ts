/**
 * Parses Slack's mrkdwn into `rich_text` elements, for drawing and to find whom a message would notify and
 * where its links lead. Entities are decoded last, in leaves only: `&lt;!channel&gt;` is text.
 * https://docs.slack.dev/messaging/formatting-message-text
 */

export interface Style {
  readonly bold?: true;
  readonly italic?: true;
  readonly strike?: true;
  readonly code?: true;
}

export type Inline =
  | { readonly type: 'text'; readonly text: string; readonly style?: Style }
  | { readonly type: 'emoji'; readonly name: string; readonly style?: Style }
  | { readonly type: 'link'; readonly url: string; readonly text?: string; readonly style?: Style }
  | { readonly type: 'user'; readonly user_id: string; readonly style?: Style }
  | { readonly type: 'channel'; readonly channel_id: string; readonly style?: Style }
  | { readonly type: 'usergroup'; readonly usergroup_id: string; readonly style?: Style }
  | { readonly type: 'broadcast'; readonly range: 'here' | 'channel' | 'everyone'; readonly style?: Style }
  | {
      readonly type: 'date';
      readonly timestamp: number;
      readonly format: string;
      readonly fallback: string;
      readonly url?: string;
      readonly style?: Style;
    };

export interface RichPart {
  readonly type: 'rich_text_section' | 'rich_text_preformatted' | 'rich_text_quote';
  readonly elements: readonly Inline[];
}

/** `verbatim` keeps bare URLs from becoming links. Never throws: what is not markup is text. */
export function parseMrkdwn(source: string, { verbatim = false } = {}): RichPart[] {
  const parts: RichPart[] = [];
  for (const [index, piece] of source.split('```').entries()) {
    const isFenced = index % 2 === 1;
    if (isFenced)
      parts.push({ type: 'rich_text_preformatted', elements: parseTokens(trimNewlines(piece), {}) });
    else if (piece !== '') parts.push(...parseLines(index > 0 ? piece.replace(/^\n/, '') : piece, verbatim));
  }
  return parts;
}

/** `plain_text`: emoji shortcodes are the only markup. */
export function parsePlain(source: string, { emoji = true } = {}): Inline[] {
  return emoji ? splitEmoji(source, {}) : [{ type: 'text', text: source }];
}

function parseLines(source: string, verbatim: boolean): RichPart[] {
  const parts: { type: 'rich_text_section' | 'rich_text_quote'; lines: string[] }[] = [];
  for (const line of source.replace(/\n$/, '').split('\n')) {
    const quoted = /^(?:&gt;|>) ?/.exec(line);
    const type = quoted ? 'rich_text_quote' : 'rich_text_section';
    const body = quoted ? line.slice(quoted[0].length) : line;
    const last = parts.at(-1);
    if (last?.type === type) last.lines.push(body);
    else parts.push({ type, lines: [body] });
  }
  return parts.map(({ type, lines }) => ({ type, elements: parseInline(lines.join('\n'), {}, verbatim) }));
}

const EDGE_BEFORE = String.raw`(?<=^|[\s([{"'.,;:!?*_~>-])`;
const EDGE_AFTER = String.raw`(?=$|[\s)\]}"'.,;:!?*_~<&-])`;
const emphasis = (mark: string) => {
  const sign = `\\${mark}`;
  return `${EDGE_BEFORE}${sign}(?=[^\\s${sign}])(?:[^${sign}\\n]*[^\\s${sign}])?${sign}${EDGE_AFTER}`;
};
const INLINE = new RegExp(
  [
    '(?<token><[^<>\\n]+>)',
    '(?<code>`[^`\\n]+`)',
    `(?<bold>${emphasis('*')})`,
    `(?<italic>${emphasis('_')})`,
    `(?<strike>${emphasis('~')})`,
    String.raw`(?<url>\b(?:https?:\/\/|www\.)[^\s<>|]+[^\s<>|.,;:!?)\]}'"*_~])`,
  ].join('|'),
  'g',
);

function parseInline(source: string, style: Style, verbatim: boolean): Inline[] {
  const found: Inline[] = [];
  let read = 0;
  for (const match of source.matchAll(INLINE)) {
    found.push(...splitEmoji(source.slice(read, match.index), style, decodeEntities));
    read = match.index + match[0].length;
    const { token, code, bold, italic, strike, url } = match.groups ?? {};
    if (token) found.push(readToken(token.slice(1, -1), style));
    else if (code) found.push(...parseTokens(code.slice(1, -1), { ...style, code: true }));
    else if (bold) found.push(...parseInline(bold.slice(1, -1), { ...style, bold: true }, verbatim));
    else if (italic) found.push(...parseInline(italic.slice(1, -1), { ...style, italic: true }, verbatim));
    else if (strike) found.push(...parseInline(strike.slice(1, -1), { ...style, strike: true }, verbatim));
    else if (url && !verbatim) found.push({ ...link(decodeEntities(url)), ...styled(style) });
    else if (url) found.push({ type: 'text', text: decodeEntities(url), ...styled(style) });
  }
  found.push(...splitEmoji(source.slice(read), style, decodeEntities));
  return found;
}

/** In code only `<...>` has a meaning. Slack notifies from inside code too. */
function parseTokens(source: string, style: Style): Inline[] {
  return source
    .split(/(<[^<>\n]+>)/)
    .filter((piece) => piece !== '')
    .map((piece) =>
      /^<[^<>\n]+>$/.test(piece)
        ? readToken(piece.slice(1, -1), style)
        : { type: 'text', text: decodeEntities(piece), ...styled(style) },
    );
}

function readToken(token: string, style: Style): Inline {
  const bar = token.indexOf('|');
  const target = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? '' : decodeEntities(token.slice(bar + 1));
  const formatting = styled(style);
  if (/^@[UW]/.test(target)) return { type: 'user', user_id: target.slice(1), ...formatting };
  if (target.startsWith('#C')) return { type: 'channel', channel_id: target.slice(1), ...formatting };
  const group = /^!subteam\^(S\w+)/.exec(target)?.[1];
  if (group) return { type: 'usergroup', usergroup_id: group, ...formatting };
  const range = /^!(here|channel|everyone|group)$/.exec(target)?.[1];
  if (range)
    return { type: 'broadcast', range: range === 'group' ? 'channel' : range, ...formatting } as Inline;
  const [, timestamp, format, url] = /^!date\^(\d+)\^([^^]+)(?:\^(.+))?$/.exec(target) ?? [];
  if (timestamp && format) {
    const date = { type: 'date', timestamp: Number(timestamp), format, fallback: label } as const;
    return { ...date, ...(url ? { url: decodeEntities(url) } : {}), ...formatting };
  }
  if (/^(?:[a-z][a-z0-9+.-]*:|www\.)/i.test(target))
    return { ...link(decodeEntities(target), label), ...formatting };
  return { type: 'text', text: label || decodeEntities(`<${token}>`), ...formatting };
}

function link(url: string, text?: string): Inline {
  const address = url.startsWith('www.') ? `http://${url}` : url;
  return { type: 'link', url: address, ...(text ? { text } : address === url ? {} : { text: url }) };
}

function splitEmoji(source: string, style: Style, decode = (text: string) => text): Inline[] {
  return source
    .split(/(:[a-z][a-z0-9_+-]*:)/)
    .filter((piece) => piece !== '')
    .map((piece) =>
      /^:[a-z][a-z0-9_+-]*:$/.test(piece)
        ? { type: 'emoji', name: piece.slice(1, -1), ...styled(style) }
        : { type: 'text', text: decode(piece), ...styled(style) },
    );
}

function styled(style: Style): { style?: Style } {
  return Object.keys(style).length > 0 ? { style } : {};
}

function decodeEntities(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function trimNewlines(text: string): string {
  return text.replace(/^\n/, '').replace(/\n$/, '');
}
