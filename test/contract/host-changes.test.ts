import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOST_CHANGES } from '../../src/wire/host-changes.ts';
import { HostArgumentError, type HostCommand } from '../../src/wire/host-command.ts';
import { splitShellLine } from './host-command-grammar.ts';

const CHANGE = new URL('../../deploy/hosts/wrench-change', import.meta.url);
const PREFIX = 'env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin ';
const REFUSED = 126;
const SHELLS = ['dash', 'bash --posix', 'busybox ash'];
const FOLDER = '/srv/wrench-rescue';
const ID = 'm0123456789abcdef';
const NAME = '78e4de70c1f1b0a3f2a5d6b7c8d9e0f1a2b3c4d5';
const CONSOLE = '/var/lib/nova/instances/c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501/console.log';
const OLD_CONSOLE = '/var/lib/nova/instances/instance-00000e05/console.log';

/** Every change of the table, as root and with sudo. */
function linesOf(isRoot: boolean): readonly string[] {
  const file = { isRoot, pid: 31_877, descriptor: 14, folder: FOLDER, name: NAME, id: ID };
  const commands: Readonly<Record<keyof typeof HOST_CHANGES, readonly HostCommand[]>> = {
    changer: [],
    openPath: [HOST_CHANGES.openPath(file)],
    openSize: [HOST_CHANGES.openSize(file)],
    openFileSystem: [HOST_CHANGES.openFileSystem(file)],
    rescueSpace: [HOST_CHANGES.rescueSpace(file)],
    rescuedFiles: [HOST_CHANGES.rescuedFiles(file)],
    rescueCopy: [0, 1, 40].map((part) => HOST_CHANGES.rescueCopy(file, { part })),
    rescueSums: (['partial', 'final'] as const).map((of) => HOST_CHANGES.rescueSums(file, { bytes: 1, of })),
    rescueFinish: [HOST_CHANGES.rescueFinish(file)],
    rescueTidy: [HOST_CHANGES.rescueTidy(file)],
    consoleFile: [CONSOLE, OLD_CONSOLE].map((path) => HOST_CHANGES.consoleFile({ isRoot, path })),
    consoleUsers: [CONSOLE, OLD_CONSOLE].map((path) => HOST_CHANGES.consoleUsers({ isRoot, path })),
    descriptorFlags: [1, 20].map((count) =>
      HOST_CHANGES.descriptorFlags({ isRoot, users: Array.from({ length: count }, () => file) }),
    ),
    truncateConsole: [CONSOLE, OLD_CONSOLE].map((path) => HOST_CHANGES.truncateConsole({ isRoot, path })),
    archivers: [HOST_CHANGES.archivers()],
    archiveRows: [HOST_CHANGES.archiveRows({ before: '2026-08-28', maxRows: 1000 })],
    dumps: [HOST_CHANGES.dumps({ isRoot, folder: '/var/backups/mysql' })],
  };
  return Object.values(commands)
    .flat()
    .map(({ line }) => line);
}
const LINES = [...new Set([...linesOf(true), ...linesOf(false)])];

let folder: string;
let changer: string;

/** Programs that only write down their arguments, and answer what the script asks before a change. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-change-'));
  const programs = join(folder, 'programs');
  await mkdir(programs);
  const recorder = join(folder, 'recorder');
  await writeFile(
    recorder,
    `#!/bin/sh
{ printf '%s' "\${0##*/}"; for word; do printf '\\1%s' "$word"; done; printf '\\n'; } >>'${folder}/ran'
case "\${0##*/} $*" in
  'readlink '*) echo '/var/lib/nova/instances/_base/x (deleted)' ;;
  'stat -c %h '*) echo 2 ;;
  'stat -c %F '*) echo directory ;;
  'stat -c %F,%u,%A '*) echo directory,0,drwxr-xr-x ;;
  'stat -L -c %F,%h '*) echo 'regular file,0' ;;
  'stat -c %F,%h '*) echo 'regular file,1' ;;
  'find /proc/1/fd '*) printf '/proc/1/fd ' ;;
  'pgrep '*) exit 1 ;;
esac
`,
  );
  await chmod(recorder, 0o755);
  for (const name of [
    'readlink',
    'stat',
    'find',
    'dd',
    'sha256sum',
    'ln',
    'rm',
    'grep',
    'sudo',
    'pgrep',
    'logger',
    'touch',
  ])
    await symlink(recorder, join(programs, name));
  for (const name of ['tr', 'printf', 'env']) await symlink(`/usr/bin/${name}`, join(programs, name));
  await writeFile(join(programs, 'id'), '#!/bin/sh\necho 0\n', { mode: 0o755 });
  changer = join(folder, 'wrench-change');
  const script = (await readFile(CHANGE, 'utf8'))
    .replace(/^PATH=.*$/m, `PATH='${programs}'`)
    .replace("rescue_folder=''", `rescue_folder='${FOLDER}'`)
    .replace("truncate=''", "truncate='yes'")
    .replace("dump_folder=''", "dump_folder='/var/backups/mysql'");
  await writeFile(changer, script);
  await writeFile(join(folder, 'ran'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the programs got, without the logging. */
async function takeRuns(): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'ran'), 'utf8');
  await writeFile(join(folder, 'ran'), '');
  return text
    .split('\n')
    .map((line) => line.replaceAll('\u0001', ' '))
    .filter((line) => line !== '' && !line.startsWith('logger'));
}

function change(line: string, shell = 'dash', script = changer): Promise<number> {
  const [program = '', ...args] = shell.split(' ');
  return new Promise((resolve, reject) => {
    execFile(program, [...args, script], { env: { SSH_ORIGINAL_COMMAND: line } }, (error) => {
      if (!error) resolve(0);
      else if (typeof error.code === 'number') resolve(error.code);
      else reject(error);
    });
  });
}

const wordsOf = (line: string): string => (splitShellLine(line) ?? []).slice(3).join(' ');

describe('the changes of the table', () => {
  test('have no argument that a shell would do anything with', () => {
    for (const line of LINES) expect(splitShellLine(line), line).toBeDefined();
  });

  test.each(SHELLS.slice(0, 2))(
    'run as they are, with %s',
    async (shell) => {
      for (const line of LINES) {
        expect(await change(line, shell), line).toBe(line.includes(' pgrep ') ? 1 : 0);
        expect((await takeRuns()).at(-1), line).toBe(wordsOf(line).replace(/^sudo -n (?!-u)/, ''));
      }
    },
    240_000,
  );

  /** It runs its own programs instead of those on PATH, so only the decision is seen. */
  test('are accepted with the shell of BusyBox', async () => {
    const own = LINES.filter((line) => !/ dd | sha256sum | ln | rm /.test(line));
    for (const line of own) expect(await change(line, 'busybox ash'), line).not.toBe(REFUSED);
    await takeRuns();
  }, 240_000);

  test('are refused by a host that allows nothing', async () => {
    const script = join(folder, 'as-delivered');
    const text = await readFile(CHANGE, 'utf8');
    await writeFile(script, text.replace(/^PATH=.*$/m, `PATH='${join(folder, 'programs')}'`));
    for (const line of LINES) expect(await change(line, 'dash', script), line).toBe(REFUSED);
    expect(await takeRuns()).toEqual([]);
  }, 240_000);
});

test.each([
  ['another file', LINES[0]!.replace('31877', '1/../../etc')],
  ['another program', `${PREFIX}id`],
  ['a purge', `${PREFIX}sudo -n -u nova nova-manage db purge --all`],
  ['all rows', `${PREFIX}sudo -n -u nova nova-manage db archive_deleted_rows --until-complete`],
  [
    'nova-manage as root',
    `${PREFIX}sudo -n nova-manage db archive_deleted_rows --before 2026-08-28 --max_rows 1000 --all-cells --verbose`,
  ],
  [
    'a copy to another folder',
    `${PREFIX}dd if=/proc/1/fd/3 of=/etc/x.partial-${ID} bs=1048576 iflag=fullblock skip=0 seek=0 count=1024 status=none conv=excl,sparse,fsync`,
  ],
  [
    'a copy with its final name',
    `${PREFIX}dd if=/proc/1/fd/3 of=${FOLDER}/x bs=1048576 iflag=fullblock skip=0 seek=0 count=1024 status=none conv=excl,sparse,fsync`,
  ],
  [
    'a copy over another file',
    `${PREFIX}dd if=/proc/1/fd/3 of=${FOLDER}/x.partial-${ID} bs=1048576 iflag=fullblock skip=0 seek=0 count=1024 status=none conv=sparse,fsync`,
  ],
  [
    'a disk',
    `${PREFIX}dd if=/dev/null of=${CONSOLE.replace('console.log', 'disk')} oflag=nofollow conv=nocreat status=none`,
  ],
  ['the removal of a copy', `${PREFIX}rm ${FOLDER}/x`],
  ['a link to another name', `${PREFIX}ln -T ${FOLDER}/x.partial-${ID} ${FOLDER}/y`],
])('wrench-change refuses %s', async (_, line) => {
  for (const shell of SHELLS) expect(await change(line, shell), shell).toBe(REFUSED);
  expect((await takeRuns()).filter((run) => !/^(readlink|find \/proc) /.test(run))).toEqual([]);
});

const HOSTILE = fc.oneof(
  fc.constantFrom(
    "'; touch /tmp/x; '",
    '$(touch /tmp/x)',
    '`id`',
    '..',
    '../x',
    '/etc/passwd',
    '-x',
    '',
    ' ',
    '\n',
    '*',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);

test('an argument is refused, or stays inside the closed set', () => {
  const usual = (text: string) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(text) }, { weight: 1, arbitrary: HOSTILE });
  const args = fc.record({
    folder: usual(FOLDER),
    name: usual(NAME),
    id: usual(ID),
    path: usual(CONSOLE),
    before: usual('2026-08-28'),
  });
  fc.assert(
    fc.property(
      args,
      fc.oneof(fc.integer(), fc.double()),
      ({ folder: at, name, id, path, before }, number) => {
        const file = { isRoot: false, pid: number, descriptor: 3, folder: at, name, id };
        const makers = [
          () => HOST_CHANGES.rescueCopy({ ...file, pid: 1 }, { part: number }),
          () => HOST_CHANGES.rescueSums(file, { bytes: 5, of: 'final' }),
          () => HOST_CHANGES.rescueFinish(file),
          () => HOST_CHANGES.truncateConsole({ isRoot: false, path }),
          () => HOST_CHANGES.archiveRows({ before, maxRows: number }),
          () => HOST_CHANGES.dumps({ isRoot: false, folder: at }),
        ];
        for (const make of makers) {
          const line = lineUnlessRefused(make);
          const words = line === undefined ? [] : splitShellLine(line);
          expect(words, line).toBeDefined();
          expect(
            words?.some((word) => word.split('/').includes('..')),
            line,
          ).toBe(false);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

function lineUnlessRefused(make: () => HostCommand): string | undefined {
  try {
    return make().line;
  } catch (error) {
    if (error instanceof HostArgumentError) return undefined;
    throw error;
  }
}

test('wrench-change runs nothing for a line that was changed in one place', async () => {
  const mutation = fc
    .record({
      line: fc.constantFrom(...LINES),
      at: fc.nat(),
      word: fc.oneof(
        HOSTILE,
        fc.constantFrom(
          '/etc/shadow',
          '-delete',
          'of=/etc/passwd',
          'conv=notrunc',
          '/var/lib/nova/instances/x/console.log',
        ),
      ),
      how: fc.constantFrom('replace', 'insert', 'remove', 'append'),
    })
    .map(({ line, at, word, how }) => {
      const words = line.split(' ');
      const place = 3 + (at % (words.length - 3));
      if (how === 'replace') return words.with(place, word).join(' ');
      if (how === 'insert') return words.toSpliced(place, 0, word).join(' ');
      return how === 'remove' ? words.toSpliced(place, 1).join(' ') : `${line}${word}`;
    })
    .filter((line) => !line.includes('\0') && line.isWellFormed() && !LINES.includes(line));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(mutation, async (line) => {
      const exitCode = await change(line);
      const runs = await takeRuns();
      refused += exitCode === REFUSED ? 1 : 0;
      // Other numbers and names are valid arguments too.
      const changes = runs.filter((run) => /^(?:dd|ln|rm|sudo|touch) /.test(run));
      for (const run of exitCode === REFUSED ? changes : []) expect(run, line).toBe('');
      for (const run of changes)
        expect(run).toMatch(
          /\/srv\/wrench-rescue\/[\w.-]+|^dd if=\/dev\/null of=\/var\/lib\/nova\/instances\/[\w-]+\/console\.log |^sudo -n -u nova nova-manage db archive_deleted_rows --before 20/,
        );
    }),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(200);
}, 240_000);
