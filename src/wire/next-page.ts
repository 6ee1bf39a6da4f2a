/** The address of the next page in the header `Link`: https://www.rfc-editor.org/rfc/rfc8288#section-3 */
export function nextPage(link: string | undefined): URL | undefined {
  for (const [, url = '', parameters = ''] of (link ?? '').slice(0, 10_000).matchAll(/<([^<>]*)>([^<>]*)/g))
    if (/;\s*rel\s*=\s*"?next"?/i.test(parameters) && URL.canParse(url)) return new URL(url);
  return undefined;
}
