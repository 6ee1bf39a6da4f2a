import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What a terminal shows, as code blocks for documents. The golden tests keep these files equal to the real output. */
const FILES = {
  'report-example': 'test/golden/etcd/doppler/everyVmBroken.terminal.txt',
  'digest-example': 'test/golden/digests/goneAndBetter.terminal.txt',
  'digest-nothing-new': 'test/golden/digests/nothingNew.terminal.txt',
};

/** The regions of documents that show an example, by name. */
export function exampleRegions(): Readonly<Record<string, () => string>> {
  return Object.fromEntries(
    Object.entries(FILES).map(([name, path]) => [
      name,
      () => `\`\`\`\n${readFileSync(`${ROOT}${path}`, 'utf8')}\`\`\``,
    ]),
  );
}
