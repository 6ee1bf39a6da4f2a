import type { ChecksumRules } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { HOST_COMMANDS, isDhcpNamespace } from '../../wire/host-commands.ts';
import { firstAnswer, type HostQuestion, isOfHost, linesOf, mostTelling, runForText } from './ask-host.ts';

/** A network node can have a thousand networks. */
const MAX_NAMESPACES = 200;
const CONCURRENCY = 4;

/** Reads the rules of each DHCP namespace and of the host's own. Those that can't be read are left out if others can. */
export async function readChecksumRules(
  asked: HostQuestion,
  { sudo }: { readonly sudo: boolean },
): Promise<readonly ChecksumRules[]> {
  const { text } = await runForText(asked, HOST_COMMANDS.namespaces);
  const namespaces = linesOf(text)
    .map((line) => line.trim().split(/\s/)[0] ?? '')
    .filter(isDhcpNamespace);
  if (namespaces.length > MAX_NAMESPACES)
    throw asked.fail(
      'malformed',
      `there are ${namespaces.length} DHCP namespaces, more than ${MAX_NAMESPACES}`,
    );
  const results: ChecksumRules[] = [];
  const errors: SourceError[] = [];
  const ask = async (namespace: string): Promise<void> => {
    try {
      results.push({ namespace, fillsDhcp: await readRules(asked, { sudo, namespace }) });
    } catch (error) {
      if (!(error instanceof SourceError) || isOfHost(error)) throw error;
      errors.push(error);
    }
  };
  for await (const _ of concurrently(['', ...namespaces], CONCURRENCY, ask, asked.query.signal));
  if (results.length === 0) throw mostTelling(errors);
  return results.toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

async function readRules(
  asked: HostQuestion,
  options: { readonly sudo: boolean; readonly namespace: string },
): Promise<boolean> {
  const read = async (
    make: () => ReturnType<typeof HOST_COMMANDS.checksumRules>,
    known: RegExp,
  ): Promise<boolean> => {
    const { text } = await runForText(asked, make);
    const lines = linesOf(text);
    if (!lines.some((line) => known.test(line)))
      throw asked.fail('malformed', 'the rules are not understood');
    return lines.some(fillsChecksums);
  };
  return firstAnswer([
    () => read(() => HOST_COMMANDS.checksumRules(options), /^-[PNA] /),
    () => read(() => HOST_COMMANDS.checksumRulesOfNft(options), /^\s*(?:table|chain) /),
  ]);
}

/** `-A POSTROUTING -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill`: https://ipset.netfilter.org/iptables-extensions.man.html */
function fillsChecksums(line: string): boolean {
  if (!/\bCHECKSUM\b/.test(line)) return false;
  return !/\bd(?:ports?|port)\b/.test(line) || /\b(?:68|bootpc)\b/.test(line);
}
