import { refusalHint } from '../../../check/digest-listing.ts';
import { code, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';

/** The notice in the audit channel that Slack rejects the messages of a digest. */
export function renderDigestNotPosted(name: string, channelId: string, refusal: string): Message {
  const where = /^[CGD][A-Z0-9]{2,20}$/.test(channelId) ? `<#${channelId}>` : escapeUntrusted(channelId, 80);
  const lines = [
    `:warning: *Digest not posted* · Slack rejects the digest ${code(name, 80)} in ${where}: ${escapeUntrusted(refusal, 80)}`,
    refusalHint(refusal),
    'Its checks still run. The next message that Slack accepts covers everything since the last one.',
  ];
  return { text: lines.join('\n'), blocks: [] };
}
