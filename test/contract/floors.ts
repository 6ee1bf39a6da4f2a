import { posix } from 'node:path';

/** One floor of the house: who stands on it, and what it may import besides what stands with it. */
interface Floor {
  /** What it matches at the start of a path is one room: rooms of one floor do not import one another. */
  readonly room: RegExp;
  readonly mayImport: RegExp;
}

/** From the ground up; the first room that fits is a file's own. Down, never sideways, never up. */
const FLOORS: readonly Floor[] = [
  { room: /^src\/ports\//, mayImport: /^$/ },
  { room: /^src\/text\//, mayImport: /^((zod|fastest-levenshtein)$|node:util$)/ },
  { room: /^src\/check\//, mayImport: /^(src\/(ports|text)\/|zod$|node:)/ },
  { room: /^commands\/kit\.ts$/, mayImport: /^src\/(check|ports|text)\// },
  { room: /^commands\/shared\//, mayImport: /^commands\/kit\.ts$/ },
  { room: /^commands\/[^/]+\/command\.ts$/, mayImport: /^commands\/kit\.ts$/ },
  // Pure helpers that several checks use.
  { room: /^commands\/shared\//, mayImport: /^commands\/kit\.ts$/ },
  // Two looks may be some seconds apart; lint keeps the waiting in `collect`.
  {
    room: /^commands\/[^/]+\/[^/]+\//,
    mayImport: /^(commands\/(kit\.ts$|shared\/)|zod$|node:timers\/promises$)/,
  },
  { room: /^src\/request\//, mayImport: /^(src\/(check|text)\/|node:|\(computed\) new URL\(`\$\{area\})/ },
  {
    room: /^src\/wire\//,
    mayImport: /^(src\/ports\/|node:|(fflate|node-forge|yaml|undici|@peculiar\/x509|reflect-metadata)$)/,
  },
  // Read by the configuration of every role, so it loads nothing that talks to anything.
  { room: /^src\/sources\/[^/]+\/(?=(config|site)\.ts$)/, mayImport: /^(zod$|node:(net|url)$)/ },
  { room: /^src\/sources\/schemas\.ts$/, mayImport: /^(src\/sources\/[^/]+\/config\.ts$|zod$)/ },
  {
    room: /^src\/sources\/open\.ts$/,
    mayImport: /^src\/(ports\/|sources\/(schemas\.ts$|[^/]+\/open\.ts$))/,
  },
  { room: /^src\/sources\/[^/]+\//, mayImport: /^(src\/(ports|wire)\/|(zod|yaml)$|node:)/ },
  { room: /^src\/telemetry\//, mayImport: /^(src\/(check|text)\/|(pino|prom-client)$|node:)/ },
  { room: /^src\/queue\//, mayImport: /^(src\/(check|text|telemetry)\/|(zod|bullmq|ioredis)$|node:)/ },
  { room: /^src\/store\//, mayImport: /^(src\/(check|text|queue)\/|(zod|ioredis)$|node:)/ },
  {
    room: /^src\/slack\/render\//,
    mayImport:
      /^(src\/(check|text|request)\/|src\/store\/(remediation\/record|audit\/entry)\.ts$|@slack\/types$)/,
  },
  {
    room: /^src\/slack\//,
    mayImport:
      /^(src\/(check|text|request|queue|store|telemetry|slack\/render)\/|@slack\/|(zod|fastest-levenshtein)$|node:)/,
  },
  { room: /^src\/terminal\//, mayImport: /^(src\/(check|text|request)\/|node:)/ },
  {
    room: /^src\/worker\//,
    mayImport: /^(src\/(check|text|ports|request|queue|store|telemetry)\/|zod$|node:)/,
  },
  {
    room: /^src\/config\//,
    mayImport: /^(src\/(check|text)\/|src\/sources\/schemas\.ts$|(zod|yaml)$|node:)/,
  },
  {
    room: /^src\/doctor\//,
    mayImport: /^(src\/(check|text|ports|telemetry|config)\/|node:)/,
  },
  // The roof: composition roots, which tie everything together.
  // The bot loads no client of the infrastructure, and the worker none of Slack.
  {
    room: /^src\/app\/bot\.ts$/,
    mayImport: /^src\/(app\/(shared|missing-settings)\.ts$|(?!app|cli|sources|worker))/,
  },
  { room: /^src\/app\/worker\.ts$/, mayImport: /^src\/(app\/(shared|environments)\.ts$|(?!app|cli|slack))/ },
  { room: /^src\/app\/shared\.ts$/, mayImport: /^(src\/(?!app|cli|sources|worker|slack)|node:)/ },
  { room: /^src\/app\//, mayImport: /^(src\/(?!cli\/)|node:)/ },
  { room: /^src\/cli\/shared\//, mayImport: /^(src\/|node:|zod$)/ },
  // A verb and its sub-verbs: `audit` and `audit-verify`.
  { room: /^src\/cli\/[a-z]+/, mayImport: /^(src\/(?!cli\/(?!shared\/))|node:)/ },
  { room: /^src\/main\.ts$/, mayImport: /^(src\/|node:)/ },
];

/** Tests ask for more: the tools of testing, and whole servers. */
const TEST = /\.test\.ts$/;
const TESTS_MAY_IMPORT =
  /^(test\/(world|workspace)\/|src\/queue\/local-redis\.ts$|(vitest|fast-check|@peculiar\/x509|node-forge|execa|ioredis|undici|yaml|zod)$|node:|src\/wire\/)/;
const CHECK_TESTS_MAY_IMPORT = /^(vitest|fast-check)$/;

/** Paths of the tree and what their files say. */
export type Tree = ReadonlyMap<string, string>;

/** Every import that the table does not allow, and every file that stands on no floor, one in a line. */
export function strangers(tree: Tree): readonly string[] {
  return [...tree].flatMap(([path, text]) => {
    const floor = floorOf(path);
    if (!floor) return [`${path} stands on no floor`];
    return importsOf(text).flatMap((specifier) => {
      const imported = specifier.startsWith('.')
        ? posix.join(posix.dirname(path), specifier)
        : packageOf(specifier);
      return mayImport(path, floor, imported) ? [] : [`${path} imports ${imported}`];
    });
  });
}

/** A test stands where the file stands that it tests. */
function floorOf(path: string): Floor | undefined {
  const tested = path.replace(TEST, '.ts');
  return FLOORS.find(({ room }) => room.test(tested));
}

function mayImport(path: string, { room, mayImport: allowed }: Floor, imported: string): boolean {
  if (imported === path || allowed.test(imported)) return true;
  const own = room.exec(path.replace(TEST, '.ts'))?.[0];
  if (own !== undefined && floorOf(imported)?.room === room && room.exec(imported)?.[0] === own) return true;
  // A vendor's own `config.ts` stands in a room of its own, below the rest of its folder.
  const folder = /^src\/sources\/[^/]+\//.exec(path)?.[0];
  if (folder !== undefined && !/\/(config|site)\.ts$/.test(path) && imported.startsWith(folder)) return true;
  if (!TEST.test(path)) return false;
  return (path.startsWith('commands/') ? CHECK_TESTS_MAY_IMPORT : TESTS_MAY_IMPORT).test(imported);
}

/** `@slack/bolt/dist/x` is `@slack/bolt`, `node:fs/promises` stays. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const COMMENT = String.raw`(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*`;
const IMPORTS = [
  // import x from 'y'; export * from 'y'; import type { X } from 'y'
  new RegExp(String.raw`\bfrom${COMMENT}(['"])(?<specifier>[^'"\n]+)\1`, 'g'),
  // import 'y'; import('y'), in code, in types and in JSDoc; require('y')
  new RegExp(
    String.raw`\b(?:import|require|import\.meta\.resolve)${COMMENT}\(?${COMMENT}(['"\`])(?<specifier>[^'"\`\n]+)\1`,
    'g',
  ),
];
/** An import of what only a running program knows. */
const UNREADABLE = new RegExp(
  String.raw`\bimport${COMMENT}\(${COMMENT}(?!['"\`\s/])(?<what>[^;\n]{0,60})`,
  'g',
);

/** What a text imports, dynamically or not, values or types. A template with a hole in it and a computed name are given as they stand. */
export function importsOf(text: string): readonly string[] {
  const written = IMPORTS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups }) => groups?.['specifier'] ?? ''),
  );
  const computed = [...text.matchAll(UNREADABLE)].map(({ groups }) => `(computed) ${groups?.['what'] ?? ''}`);
  return [...written, ...computed];
}
