import { posix } from 'node:path';

/** One module of the repository: its location, and what it may import besides its own files. */
interface Module {
  readonly layer: number;
  readonly name: string;
  /** For people. */
  readonly path: string;
  /**
   * Matches the start of a path. Different matches, such as two vendors, are two modules that do not import
   * each other.
   */
  readonly at: RegExp;
  /** Names of modules below; `own <name>` only if the file is in the same folder. */
  readonly imports: readonly string[];
  /** Packages, and modules of Node. */
  readonly packages: RegExp;
}

const NO_PACKAGES = /^$/;
const NODE = /^node:/;

/**
 * The layers, from the lowest. A file belongs to the first module that matches its path. Imports only go
 * down, never up or to another module of the same layer. `docs/architecture.md` shows the same table.
 */
export const MODULES: readonly Module[] = [
  { layer: 0, name: 'ports', path: 'src/ports/', at: /^src\/ports\//, imports: [], packages: NO_PACKAGES },
  {
    layer: 0,
    name: 'text',
    path: 'src/text/',
    at: /^src\/text\//,
    imports: [],
    packages: /^((zod|croner|fastest-levenshtein)$|node:util$)/,
  },
  {
    layer: 1,
    name: 'check',
    path: 'src/check/',
    at: /^src\/check\//,
    imports: ['ports', 'text'],
    packages: /^(zod$|node:)/,
  },
  {
    layer: 1,
    name: 'wire',
    path: 'src/wire/',
    at: /^src\/wire\//,
    imports: ['ports', 'text'],
    packages: /^((fflate|node-forge|yaml|undici|ssh2|@peculiar\/x509|reflect-metadata)$|node:)/,
  },
  {
    layer: 1,
    name: 'telemetry',
    path: 'src/telemetry/',
    at: /^src\/telemetry\//,
    imports: ['text'],
    packages: /^((pino|prom-client)$|node:)/,
  },
  {
    layer: 2,
    name: 'kit',
    path: 'commands/kit.ts',
    at: /^commands\/kit\.ts$/,
    imports: ['check', 'ports', 'text'],
    packages: NO_PACKAGES,
  },
  {
    layer: 2,
    name: 'source options',
    path: 'src/sources/options.ts',
    at: /^src\/sources\/options\.ts$/,
    imports: ['text'],
    packages: /^zod$/,
  },
  {
    layer: 2,
    name: 'queue',
    path: 'src/queue/',
    at: /^src\/queue\//,
    imports: ['check', 'text', 'telemetry'],
    packages: /^((zod|bullmq|ioredis)$|node:)/,
  },
  // The catalogue finds checks by their paths.
  {
    layer: 2,
    name: 'request',
    path: 'src/request/',
    at: /^src\/request\//,
    imports: ['check', 'text'],
    packages: /^(node:|\(computed\) new URL\(`\$\{area\})/,
  },
  {
    layer: 3,
    name: 'shared',
    path: 'commands/shared/',
    at: /^commands\/shared\//,
    imports: ['kit'],
    // `crypto` to verify signatures of certificates, `unbash` and `yaml` to read pipelines.
    packages: /^((zod|unbash|yaml)$|node:(timers\/promises|crypto)$)/,
  },
  {
    layer: 3,
    name: 'command',
    path: 'commands/<area>/command.ts',
    at: /^commands\/[^/]+\/command\.ts$/,
    imports: ['kit'],
    packages: NO_PACKAGES,
  },
  // Every process reads the configuration, so it must not load any client.
  {
    layer: 3,
    name: 'vendor config',
    path: 'src/sources/<vendor>/{config,site}.ts',
    at: /^src\/sources\/[^/]+\/(?=(config|site)\.ts$)/,
    imports: ['source options'],
    packages: /^(zod$|node:(net|url)$)/,
  },
  {
    layer: 3,
    name: 'store',
    path: 'src/store/',
    at: /^src\/store\//,
    imports: ['check', 'text', 'telemetry', 'queue'],
    packages: /^((zod|ioredis)$|node:)/,
  },
  // Two readings may be some seconds apart; the linter allows waiting only in `collect`.
  {
    layer: 4,
    name: 'check of a command',
    path: 'commands/<area>/<check>/',
    at: /^commands\/[^/]+\/[^/]+\//,
    imports: ['kit', 'shared'],
    packages: /^(zod$|node:timers\/promises$)/,
  },
  {
    layer: 4,
    name: 'vendor',
    path: 'src/sources/<vendor>/',
    at: /^src\/sources\/[^/]+\//,
    imports: ['ports', 'wire', 'text', 'source options', 'own vendor config'],
    packages: /^((zod|yaml|@kubernetes\/client-node|dockerode|mysql2(\/promise)?)$|node:)/,
  },
  {
    layer: 4,
    name: 'source schemas',
    path: 'src/sources/schemas.ts',
    at: /^src\/sources\/schemas\.ts$/,
    imports: ['vendor config'],
    packages: /^zod$/,
  },
  {
    layer: 5,
    name: 'source opener',
    path: 'src/sources/open.ts',
    at: /^src\/sources\/open\.ts$/,
    imports: ['ports', 'source schemas', 'vendor'],
    packages: NO_PACKAGES,
  },
  {
    layer: 5,
    name: 'config',
    path: 'src/config/',
    at: /^src\/config\//,
    imports: ['check', 'text', 'queue', 'store', 'source schemas'],
    packages: /^((zod|yaml)$|node:)/,
  },
  {
    layer: 5,
    name: 'render',
    path: 'src/slack/render/',
    at: /^src\/slack\/render\//,
    imports: ['check', 'text', 'request', 'store'],
    packages: /^@slack\/types$/,
  },
  {
    layer: 6,
    name: 'slack',
    path: 'src/slack/',
    at: /^src\/slack\//,
    imports: ['check', 'text', 'telemetry', 'queue', 'request', 'store', 'render'],
    packages: /^(@slack\/|zod$|node:)/,
  },
  {
    layer: 6,
    name: 'alerts',
    path: 'src/alerts/',
    at: /^src\/alerts\//,
    imports: ['check', 'text', 'telemetry', 'queue', 'request', 'store'],
    packages: /^(zod$|node:)/,
  },
  {
    layer: 6,
    name: 'worker',
    path: 'src/worker/',
    at: /^src\/worker\//,
    imports: ['ports', 'check', 'text', 'telemetry', 'queue', 'request', 'store'],
    packages: /^(zod$|node:)/,
  },
  {
    layer: 6,
    name: 'terminal',
    path: 'src/terminal/',
    at: /^src\/terminal\//,
    imports: ['check', 'text', 'request'],
    packages: NODE,
  },
  {
    layer: 6,
    name: 'doctor',
    path: 'src/doctor/',
    at: /^src\/doctor\//,
    imports: ['ports', 'check', 'text', 'telemetry', 'store', 'config'],
    packages: NODE,
  },
  // The bot loads no infrastructure client, and the worker loads nothing of Slack.
  {
    layer: 7,
    name: 'bot',
    path: 'src/app/bot.ts',
    at: /^src\/app\/bot\.ts$/,
    imports: ['app shared', 'config', 'slack', 'store', 'queue', 'telemetry', 'check', 'text', 'request'],
    packages: NODE,
  },
  {
    layer: 7,
    name: 'worker process',
    path: 'src/app/worker.ts',
    at: /^src\/app\/worker\.ts$/,
    imports: [
      'app shared',
      'app environments',
      'config',
      'worker',
      'store',
      'queue',
      'telemetry',
      'check',
      'text',
      'request',
    ],
    packages: NODE,
  },
  {
    layer: 7,
    name: 'app environments',
    path: 'src/app/{environments.ts,recording/}',
    at: /^src\/app\/(?=environments\.ts$|recording\/)/,
    imports: ['ports', 'check', 'wire', 'text', 'config', 'source schemas', 'source opener'],
    packages: NODE,
  },
  {
    layer: 7,
    name: 'app shared',
    path: 'src/app/{shared,missing-settings,process-error-handlers}.ts',
    at: /^src\/app\/(shared|missing-settings|process-error-handlers)\.ts$/,
    imports: ['config', 'store', 'queue', 'telemetry', 'check', 'text', 'request'],
    packages: NODE,
  },
  {
    layer: 7,
    name: 'app',
    path: 'src/app/',
    at: /^src\/app\//,
    imports: ['bot', 'worker process', 'app shared', 'config', 'queue', 'telemetry', 'request'],
    packages: NODE,
  },
  {
    layer: 8,
    name: 'cli shared',
    path: 'src/cli/shared/',
    at: /^src\/cli\/shared\//,
    imports: ['app shared', 'config', 'store', 'queue', 'check', 'text', 'request', 'terminal'],
    packages: /^(zod$|node:)/,
  },
  // Verbs do not import each other.
  {
    layer: 8,
    name: 'cli verb',
    path: 'src/cli/',
    at: /^src\/cli\/[a-z]+/,
    imports: [
      'cli shared',
      'app shared',
      'app environments',
      'doctor',
      'terminal',
      'config',
      'store',
      'queue',
      'request',
      'check',
      'text',
      'telemetry',
    ],
    packages: NODE,
  },
  {
    layer: 9,
    name: 'main',
    path: 'src/main.ts',
    at: /^src\/main\.ts$/,
    imports: ['cli verb', 'cli shared', 'app', 'app shared', 'config', 'telemetry', 'terminal'],
    packages: NODE,
  },
];

/**
 * Schemas and types that do not connect to Redis: the only imports of the queue and the store that these
 * modules need.
 */
const SCHEMAS: Readonly<Record<string, RegExp>> = {
  render:
    /^src\/store\/(remediation\/(record|remaining)|audit\/entry|history\/tracked-findings|silences\/silences)\.ts$/,
  config: /^src\/(queue\/redis-settings|store\/remediation\/policy)\.ts$/,
};

/** A file with these can load any other, whatever it imports. */
const LOADERS = /^node:(module|vm)$/;

/** What tests may import in addition: test tools, the servers of test/, and the program that they start. */
const TEST = /\.test\.ts$/;
const TESTS_MAY_IMPORT =
  /^(test\/(world|workspace)\/|src\/(queue\/local-redis|main)\.ts$|(vitest|fast-check|@peculiar\/x509|node-forge|execa|ioredis|undici|yaml|zod)$|node:|src\/wire\/)/;
const CHECK_TESTS_MAY_IMPORT = /^(vitest|fast-check)$/;

/** Builders of facts and of in-memory sources: for stories, fixtures and tests, and for each other. */
const BUILDERS = /\/(builders|fixture-sources)\.ts$/;
const MAY_IMPORT_BUILDERS = /(\.test|\/(builders|fixtures|stories))\.ts$/;

/** Paths in the repository and what their files contain. */
export type Tree = ReadonlyMap<string, string>;

/** Every import that the table does not allow, and every file that belongs to no module, one per line. */
export function violations(tree: Tree): readonly string[] {
  return [...tree].flatMap(([path, text]) => {
    const module = moduleOf(path);
    if (!module) return [`${path} belongs to no module`];
    return importsOf(text)
      .map((specifier) => resolve(path, specifier))
      .filter((imported) => !isAllowed(path, module, imported))
      .map((imported) => `${path} imports ${imported}`);
  });
}

function resolve(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : packageOf(specifier);
}

/** A test belongs to the module that it tests. */
export function moduleOf(path: string): Module | undefined {
  const tested = path.replace(TEST, '.ts');
  return MODULES.find(({ at }) => at.test(tested));
}

function isAllowed(path: string, module: Module, imported: string): boolean {
  if (BUILDERS.test(imported) && !MAY_IMPORT_BUILDERS.test(path)) return false;
  if (/^(src|commands)\//.test(imported)) {
    const target = moduleOf(imported);
    if (target === module && instanceOf(path, module) === instanceOf(imported, module)) return true;
    if (target && mayImport(path, module, imported, target)) return true;
  } else if (module.packages.test(imported) && !LOADERS.test(imported)) return true;
  if (!TEST.test(path)) return false;
  if (posix.dirname(imported) === posix.dirname(path)) return true;
  return (path.startsWith('commands/') ? CHECK_TESTS_MAY_IMPORT : TESTS_MAY_IMPORT).test(imported);
}

function mayImport(path: string, module: Module, imported: string, target: Module): boolean {
  const schemas = ['queue', 'store'].includes(target.name) ? SCHEMAS[module.name] : undefined;
  if (schemas) return schemas.test(imported);
  // The folder of a vendor may have folders in it.
  const isOwn = path.startsWith(`${posix.dirname(imported)}/`);
  return module.imports.includes(target.name) || (isOwn && module.imports.includes(`own ${target.name}`));
}

/** Which vendor, check or verb. */
function instanceOf(path: string, { at }: Module): string | undefined {
  return at.exec(path.replace(TEST, '.ts'))?.[0];
}

/** `@slack/bolt/dist/x` becomes `@slack/bolt`, `node:fs/promises` is kept. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:') || specifier.startsWith('(computed)')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const COMMENT = String.raw`(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*`;
const CALL = String.raw`\b(?:import(?:\.(?:defer|source|meta\.resolve))?|require)${COMMENT}\(${COMMENT}`;
const IMPORTS = [
  // import x from 'y'; export * from 'y'; import type { X } from 'y'
  new RegExp(String.raw`\bfrom${COMMENT}(['"])(?<specifier>[^'"\n]+)\1`, 'g'),
  // import 'y'
  new RegExp(String.raw`\bimport${COMMENT}(['"])(?<specifier>[^'"\n]+)\1`, 'g'),
  // import('y'), in code, in types and in JSDoc; require('y')
  new RegExp(String.raw`${CALL}(['"\`])(?<specifier>[^'"\`$\n]+)\1`, 'g'),
  // new Worker(new URL('y.ts', import.meta.url))
  new RegExp(
    String.raw`\bnew URL\(${COMMENT}(['"\`])(?<specifier>\.[^'"\`$\n]+\.[cm]?[jt]sx?)\1${COMMENT},${COMMENT}import\.meta\.url`,
    'g',
  ),
  // /// <reference path="y" />
  /^\/\/\/ *<reference path=(['"])(?<specifier>[^'"\n]+)\1/gm,
];
/** An import whose specifier is known only at run time: anything except one literal. */
const UNREADABLE = new RegExp(
  String.raw`${CALL}(?!(['"\`])[^'"\`$\n]+\1${COMMENT}[,)])(?<what>[^\s/][^;\n]{0,59})`,
  'g',
);

/**
 * The imports of a text: dynamic or not, values or types. Templates with expressions and computed names are
 * returned unchanged.
 */
export function importsOf(text: string): readonly string[] {
  const written = IMPORTS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups }) => groups?.['specifier'] ?? ''),
  );
  const computed = [...text.matchAll(UNREADABLE)].map(({ groups }) => `(computed) ${groups?.['what'] ?? ''}`);
  return [...written, ...computed];
}
