const MARKUP = /<([^<>]*)>/g;
const ENTITIES = { '&lt;': '<', '&gt;': '>', '&amp;': '&' } as const;

/**
 * Restores the text that the person typed from the text that Slack sends: `<http://etcd-1.example.com|etcd-1.example.com>` becomes a host name
 * again, `<#C1|incident>` a channel id, and entities become characters. https://docs.slack.dev/interactivity/implementing-slash-commands
 */
export function decodeCommandText(text: string): string {
  return text
    .replace(MARKUP, (_, inside: string) => plainLink(inside))
    .replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity as keyof typeof ENTITIES])
    .replace(/[\u00a0\u2007\u202f]/g, ' ')
    .trim();
}

function plainLink(inside: string): string {
  const [address = '', label] = inside.split('|', 2);
  if (/^[@#!]/.test(address)) return address.replace(/^[@#!]/, '');
  const bare = address.replace(/^mailto:/, '');
  return label !== undefined && bare.replace(/^https?:\/\//, '').replace(/\/$/, '') === label ? label : bare;
}
