import { moduleOf, type Tree } from '../../test/contract/layers.ts';
import { readTree } from '../../test/contract/tree.ts';
import { table } from './regions.ts';

/** One call that writes a log line. */
interface LogCall {
  readonly path: string;
  readonly level: string;
  /** Undefined if it isn't the first field, or not a literal in kebab-case. */
  readonly event: string | undefined;
  /** Undefined if it isn't a literal. */
  readonly message: string | undefined;
}

const CALL = /\b(?:log|logger)\??\.(?<level>trace|debug|info|warn|error|fatal)\(/g;
/** Calls that {@link CALL} doesn't match: `log[level](...)`. */
const COMPUTED = /\b(?:log|logger)(?:\?\.)?\[/g;
const EVENT = /^\s*\{\s*event: '(?<event>[a-z\d]+(?:-[a-z\d]+)*)'[\s,}]/;
const MESSAGE = /,\s*(?<literal>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"),?\s*$/;

/** All calls that write log lines, in the order of the files. */
export function logCallsIn(tree: Tree): readonly LogCall[] {
  return [...tree].flatMap(([path, text]) => [
    ...[...text.matchAll(CALL)].map(({ index, 0: call, groups }): LogCall => {
      const args = argumentsAt(text, index + call.length);
      return {
        path,
        level: groups?.['level'] ?? '',
        event: EVENT.exec(args)?.groups?.['event'],
        message: MESSAGE.exec(args)?.groups?.['literal']?.slice(1, -1),
      };
    }),
    ...[...text.matchAll(COMPUTED)].map(() => ({ path, level: '?', event: undefined, message: undefined })),
  ]);
}

/** The text of a call's arguments, up to its closing parenthesis. */
function argumentsAt(text: string, start: number): string {
  let depth = 1;
  const tokens = /(?<quoted>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|(?<bracket>[()])/g;
  tokens.lastIndex = start;
  for (let token = tokens.exec(text); token; token = tokens.exec(text)) {
    if (token.groups?.['quoted'] !== undefined) continue;
    depth += token.groups?.['bracket'] === '(' ? 1 : -1;
    if (depth === 0) return text.slice(start, token.index);
  }
  return text.slice(start);
}

/** The log calls of the program itself. */
export function readLogCalls(): readonly LogCall[] {
  const tree = [...readTree(['src'], /\.ts$/)].filter(([path]) => !path.endsWith('.test.ts'));
  return logCallsIn(new Map(tree));
}

/** Every event that Wrench logs, by name. */
export function logEventTable(): string {
  const rows = readLogCalls().map(({ path, level, event = '', message = '' }) =>
    [event, level, message, moduleOf(path)?.name ?? path].join('\t'),
  );
  const sorted = [...new Set(rows)].toSorted().map((row) => row.split('\t'));
  return table(
    ['event', 'level', 'message', 'module'],
    sorted.map(([event, ...rest]) => [`\`${event}\``, ...rest]),
  );
}
