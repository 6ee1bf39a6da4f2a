import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { readText, ROOT } from './tree.ts';

/** A file of the repository, with what its text cites: Markdown links, paths in prose, headings and URLs. */

const COMMENTS = /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$|(?<=^|\s)(?:--|#) .*$/gm;
const URLS = /\bhttps?:\/\/[^\s)>\]'"`*|]+/g;
/** A source file in prose: its path from the root of this repository or from the file that cites it, or its name alone. */
const SOURCE_FILE =
  /(?<![\w./@*~$}>-])(?:\.{1,2}\/)*(?:[\w.-]+\/)*[\w.-]+\.(?:ts|lua|md|go|rb|c|cc|h|rs|java|proto|py|erb)(?![\w-])/g;
const MARKDOWN_LINK = /\]\(([^()\s]+)\)/g;
/** `docs/operations.md#probes` */
const PAGE_WITH_ANCHOR = /(?<![\w./:-])((?:[\w.-]+\/)*[\w-]+\.md)#([\w-]+)/g;
/** `"Log events" in docs/operations.md` */
const QUOTED_HEADING = /"([^"\n]+)" in\s+(?:\*\s+)?((?:[\w.-]+\/)*[\w-]+\.md)\b/g;

/** Comments of code; a document without its code blocks. */
export function proseOf(path: string, text: string): string {
  if (path.endsWith('.md')) return withoutCodeBlocks(text);
  return [...text.matchAll(COMMENTS)].map(([comment]) => comment).join('\n');
}

/** The files that `text` cites, by their path, the end of it, or their name, and that are not among `files`. */
export function missingFiles(path: string, text: string, files: readonly string[]): readonly string[] {
  const cited = [...proseOf(path, text).replaceAll(URLS, '').matchAll(SOURCE_FILE)].map(([file]) => file);
  return cited.filter((file) => {
    const fromHere = posix.join(posix.dirname(path), file);
    return !files.some((known) => known === fromHere || `/${known}`.endsWith(`/${file}`));
  });
}

/** Relative links of a document that lead nowhere: to no file, or to no heading of it. */
export function brokenLinks(path: string, text: string): readonly string[] {
  return [...text.matchAll(MARKDOWN_LINK)].flatMap(([, target = '']) => {
    if (/^(https?:|mailto:)/.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const found = file === '' ? path : posix.join(posix.dirname(path), file);
    if (!existsSync(`${ROOT}${found}`)) return [target];
    return anchor === undefined || hasAnchor(found, anchor) ? [] : [target];
  });
}

/** Headings that comments, messages and documents cite as `docs/x.md#anchor` or as `"Heading" in docs/x.md`, and that do not exist. */
export function missingHeadings(path: string, text: string): readonly string[] {
  const local = text.replaceAll(URLS, '').replaceAll(MARKDOWN_LINK, '');
  const anchors = [...local.matchAll(PAGE_WITH_ANCHOR)].map(([cited, page = '', anchor = '']) => ({
    cited,
    isFound: withPage(page, path, (file) => hasAnchor(file, anchor)),
  }));
  const headings = [...local.matchAll(QUOTED_HEADING)].map(([cited, heading = '', page = '']) => ({
    cited,
    isFound: withPage(page, path, (file) => hasAnchor(file, slugOf(heading))),
  }));
  return [...anchors, ...headings].filter(({ isFound }) => !isFound).map(({ cited }) => cited);
}

/** URLs that are not well-formed, or that a comment or document cites without TLS. */
export function badUrls(path: string, text: string): readonly string[] {
  return [...proseOf(path, text).matchAll(URLS)]
    .map(([url]) => url.replace(/[.,;:!?…]+$/, ''))
    .filter((url) => !isPlaceholder(url) && (!URL.canParse(url) || isPlain(url)));
}

/** The anchor that GitHub gives a heading: https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links */
export function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

function hasAnchor(path: string, anchor: string): boolean {
  if (!path.endsWith('.md')) return false;
  const withoutCode = withoutCodeBlocks(readText(path));
  const slugs = [...withoutCode.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map(([, heading = '']) =>
    slugOf(heading),
  );
  const numbered = slugs.map((slug, at) => {
    const before = slugs.slice(0, at).filter((one) => one === slug).length;
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return numbered.includes(anchor) || withoutCode.includes(`<a id="${anchor}">`);
}

function withoutCodeBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}

function withPage(page: string, from: string, test: (path: string) => boolean): boolean {
  return [page, posix.join(posix.dirname(from), page)].some(
    (path) => existsSync(`${ROOT}${path}`) && test(path),
  );
}

/** An example: `https://{host}:2376`, `http://10.0.16.5:2812`, `https://wrench.example.com`. */
function isPlaceholder(url: string): boolean {
  return /[{}$<…]|:\/\/(?:localhost|\d+\.\d+\.\d+\.\d+|\[|[\w.-]*\bexample\.(?:com|org|net)\b|[\w-]+(?:[:/]|$))/.test(
    url,
  );
}

function isPlain(url: string): boolean {
  return url.startsWith('http:');
}
