import { type Evidence, type Finding, wording } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import { unifiedDiff } from './diff.ts';
import { jobOf } from '../../shared/pipelines/places.ts';
import type { PlacedLeak } from './facts.ts';
import { type Group, placeOf } from './groups.ts';
import { messageOf, shorten } from './words.ts';
import { withoutSecrets } from './without-secrets.ts';

const MAX_ROWS = 500;
const MAX_COMMAND_CHARS = 300;
const MAX_DIFF_LINES = 2_000;

/** The commands as a table. `hasDiff` if the corrected lines are to be shown as a diff, because no fix has it in its plan. */
export function evidenceOf(group: Group, hasDiff: boolean): readonly Evidence[] {
  const { leaks, repository, path } = group;
  const [first] = leaks;
  const page = repository.leakingFiles.get(path)?.url;
  const diff = hasDiff ? diffOf(group) : [];
  const notListed = leaks.length - MAX_ROWS;
  return [
    ...optionalField('Page', page === undefined ? undefined : `${page}#L${first.line}`),
    {
      kind: 'table',
      columns: ['Line', 'Where', 'Command', 'Because', 'Instead'],
      rows: [
        ...leaks
          .slice(0, MAX_ROWS)
          .map((leak) => [
            `${leak.line}:${leak.column}`,
            jobOf(leak),
            shorten(withoutSecrets(leak.command), MAX_COMMAND_CHARS),
            leak.because,
            insteadOf(leak, diff.length > 0),
          ]),
        ...(notListed > 0 ? [['…', '', wording.count(notListed, 'more command'), '', '']] : []),
      ],
    },
    ...(diff.length === 0 ? [] : [{ kind: 'log' as const, lines: diff }]),
  ];
}

function insteadOf({ fix, advice }: PlacedLeak, hasDiff: boolean): string {
  if (!fix) return advice ?? '';
  return hasDiff ? '' : shorten(withoutSecrets(fix.corrected.trim()), MAX_COMMAND_CHARS);
}

/** The corrections of a file, as `patch` and `git apply` take them unless a line has a secret. */
function diffOf({ repository, path, leaks }: Group): readonly string[] {
  const content = repository.leakingFiles.get(path)?.content;
  const fixes = leaks.flatMap(({ fix }) => fix ?? []);
  if (content === undefined || fixes.length === 0) return [];
  const lines = unifiedDiff(path, content, fixes);
  // A part of it could not be applied.
  return lines.length > MAX_DIFF_LINES ? [] : lines.map((line) => withoutSecrets(line));
}

/** Where the commands are, for linters. */
export function locationsOf(group: Group): NonNullable<Finding['locations']> {
  const content = group.repository.leakingFiles.get(group.path)?.content ?? '';
  return group.leaks.map((leak) => {
    const { path, line, column, fix } = leak;
    return {
      target: placeOf(group, leak),
      path,
      line,
      column,
      message: messageOf(leak),
      ...(fix && {
        replacement: {
          line: fix.line,
          column: fix.at - content.lastIndexOf('\n', fix.at - 1),
          deletes: fix.end - fix.at,
          inserts: fix.inserts,
          corrected: shorten(withoutSecrets(fix.corrected), MAX_COMMAND_CHARS),
        },
      }),
    };
  });
}
