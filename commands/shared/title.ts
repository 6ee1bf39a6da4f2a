/** A button's label in Slack: https://docs.slack.dev/reference/block-kit/block-elements/button-element */
const MAX_TITLE_LENGTH = 75;

/** The first title that fits a button. If none does, the last one is cut. */
export function fitTitle(...titles: readonly [string, ...string[]]): string {
  const fitting = titles.find((title) => title.length <= MAX_TITLE_LENGTH);
  return fitting ?? `${(titles.at(-1) ?? '').slice(0, MAX_TITLE_LENGTH - 1)}…`;
}

/** `Renew …/locket/tls`: cuts the beginning of the name, because its end identifies it. */
export function fitTitleFromEnd(verb: string, name: string): string {
  const room = MAX_TITLE_LENGTH - verb.length - 1;
  return `${verb} ${name.length <= room ? name : `…${name.slice(1 - room)}`}`;
}
