import { type Catalogue, loadCatalogue } from '../request/catalogue.ts';
import { dropInvalidNext } from '../request/next-checks.ts';
import { makeRedact } from '../text/redact.ts';
import { runCheck } from '../check/run-check.ts';
import type { Report } from '../check/finding.ts';
import {
  type Config,
  ConfigError,
  type ProcessSettings,
  readConfig,
  readEnvironment,
} from '../config/read-config.ts';
import { type Help, type ParsedRequest, parseRequest } from '../request/parse.ts';
import { renderHelpTerminal, renderTerminal, type Screen } from '../terminal/render.ts';
import { renderDiff } from '../terminal/diff.ts';
import { renderSarif } from '../terminal/sarif.ts';
import { type HelpPage, renderHelpPage } from '../terminal/help-page.ts';
import { HELP_FLAG, REPORT_EXIT_CODES } from './shared/usage.ts';
import { asksForDemo, demoSettings } from './shared/demo.ts';
import { type SampleSession, withSamples } from './shared/samples.ts';
import { createRecordFile, type RecordFile } from './shared/record-file.ts';
import { type Output, RUN_FLAGS, takeRunFlags } from './shared/run-flags.ts';
import { takeFlag } from './shared/take-flag.ts';
import { localConfig, localPaths, pathFromHere } from './shared/local-files.ts';
import { showTerminalProgress, type TerminalProgress } from './shared/terminal-progress.ts';
import { EXIT, printUsageProblem, type Terminal, type UsageProblem } from './shared/terminal.ts';
import { quoteWord } from './shared/parse-flags.ts';
import { closeEnvironments, openEnvironments } from '../app/environments.ts';
import { startRecorder } from '../app/recording/recorder.ts';

/**
 * `wrench run`: runs one check from a terminal, without Slack. Redis is only used by a check that remembers samples, and may be missing.
 * @returns the exit code.
 */
export async function run(
  allWords: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const flags = takeRunFlags(allWords);
  if (typeof flags === 'string') return printUsageProblem({ problem: flags, usage: [] }, terminal);
  const { words: typed, output, recordPath } = flags;
  const paths = localPaths(flags.paths);
  const catalogue = await loadCatalogue();
  const text = typed.map(quoteWord).join(' ');
  // Help needs no configuration.
  if (typed.length === 0 || (typed.length === 1 && /^(--help|-h|help)$/.test(typed[0] ?? ''))) {
    terminal.out(renderHelpPage(helpPageOf(catalogue)));
    return EXIT.clear;
  }
  const asked = parseRequest(text, { catalogue, environments: [], isTerminal: true });
  if (asked.kind === 'help') return printHelp(asked.help, terminal);

  const isLocal = paths.length > 0;
  const settings = isLocal ? readEnvironment() : settingsFor(typed);
  const config = isLocal ? await localConfig(paths) : configOrProblem(settings, typed, catalogue);
  if (typeof config === 'string') return printUsageProblem({ problem: config, usage: [] }, terminal);
  if ('problem' in config) return printUsageProblem(config, terminal);
  const environments = Object.keys(config.environments);
  const request = parseRequest(text, {
    catalogue,
    environments,
    defaults: config.checks,
    isTerminal: true,
  });
  if (request.kind === 'problem') return printUsageProblem(request, terminal);
  if (request.kind === 'help') return printHelp(request.help, terminal);
  const environment = request.environment ?? config.defaultEnvironment;
  const check = catalogue.checks.get(request.check);
  if (environment === undefined || !check)
    return printUsageProblem(environmentProblem(environments), terminal);
  if (isLocal && !check.uses.includes('pipelines'))
    return printUsageProblem(pathProblem(catalogue), terminal);
  const file = recordPath === undefined ? undefined : await createRecordFile(recordPath);
  if (typeof file === 'string') return printUsageProblem({ problem: file, usage: [] }, terminal);
  const session = { settings, config, error: terminal.error };
  const progress = output === 'text' ? showTerminalProgress(terminal, environment) : undefined;
  try {
    const made = await runInEnvironment(request, { environment, check, session, file, signal, progress });
    const report = dropInvalidNext(made, catalogue, (next) =>
      terminal.error(
        `wrench: A bug in Wrench: the check suggests a command that doesn't exist: ${JSON.stringify(next)}\n`,
      ),
    );
    const command = ['wrench run', text, ...paths.map((path) => `--path ${quoteWord(path)}`)].join(' ');
    const screen = { ...terminal, command, ...(isLocal && { pathOf: pathFromHere(paths) }) };
    terminal.out(RENDER[output](report, screen));
    return EXIT[report.status];
  } finally {
    await file?.close();
  }
}

const RENDER: Readonly<Record<Output, (report: Report, screen: Screen) => string>> = {
  text: renderTerminal,
  json: (report) => `${JSON.stringify(report, null, 2)}\n`,
  sarif: renderSarif,
  diff: renderDiff,
};

function helpPageOf({ checks }: Catalogue): HelpPage {
  const titles = [...checks].map(([name, { title }]) => [name.replace('/', ' '), title] as const);
  return {
    about: 'Run one check from this terminal, without Slack.',
    usage: ['wrench run COMMAND CHECK [flags]'],
    lists: {
      Checks: Object.fromEntries(titles),
      Flags: {
        '--env NAME': 'The environment to check. Default: `defaultEnvironment` in wrench.yaml',
        ...RUN_FLAGS,
        ...HELP_FLAG,
      },
      'Exit codes': REPORT_EXIT_CODES,
    },
    examples: [
      'wrench run certs expiring --env prod',
      'wrench run certs expiring --within 90d --json',
      'wrench run ci docker-run --path . -o sarif',
    ],
    more: 'Run `wrench run COMMAND CHECK --help` for the flags of a check.',
  };
}

function printHelp(help: Help, { out, columns }: Terminal): number {
  out(renderHelpTerminal(help, columns, { ...RUN_FLAGS, ...HELP_FLAG }));
  return EXIT.clear;
}

/** The settings of the process; with `--env demo`, those of the running demo. */
function settingsFor(words: readonly string[]): ProcessSettings {
  const settings = readEnvironment();
  return asksForDemo(words) ? demoSettings(settings) : settings;
}

/**
 * Without `wrench.yaml`, a mistake in the command line is reported first, because a new file wouldn't correct it.
 * @throws {ConfigError}
 */
function configOrProblem(
  { configPath }: ProcessSettings,
  typed: readonly string[],
  catalogue: Catalogue,
): Config | UsageProblem {
  try {
    return readConfig(configPath, undefined, { checks: catalogue.checks });
  } catch (error) {
    if (!(error instanceof ConfigError) || !error.isMissing) throw error;
    // Which environments there are is unknown.
    const rest = takeFlag(typed, ['--env'], 'the name of an environment');
    if (typeof rest === 'string') return { problem: rest, usage: [] };
    const text = rest.words.map(quoteWord).join(' ');
    const request = parseRequest(text, { catalogue, environments: [], isTerminal: true });
    if (request.kind === 'problem') return request;
    if (request.kind !== 'run' || !catalogue.checks.get(request.check)?.uses.includes('pipelines'))
      throw error;
    const instead = `To check files without it, add \`--path .\`. Otherwise, copy deploy/examples/wrench.yaml there`;
    throw new ConfigError(
      error.file,
      error.problems.map((problem) => ({ ...problem, hint: instead })),
    );
  }
}

function environmentProblem(environments: readonly string[]): UsageProblem {
  return { problem: `Missing \`--env\`. Available: ${environments.join(', ')}.`, usage: [] };
}

function pathProblem({ checks }: Catalogue): UsageProblem {
  const names = [...checks].filter(([, { uses }]) => uses.includes('pipelines')).map(([name]) => name);
  const shown = names.map((name) => `\`${name.replace('/', ' ')}\``);
  return { problem: `\`--path\` is only for checks of pipeline files: ${shown.join(', ')}.`, usage: [] };
}

/** The name of a secret may reveal as much as its value. */
const READ_FIRST =
  "wrench: Read it before you attach it to an issue. Passwords, tokens and private keys are left out if they are recognized; names and addresses aren't.\n";

interface RunOptions {
  readonly environment: string;
  readonly check: Parameters<typeof runCheck>[0];
  readonly session: SampleSession;
  /** Where the run is recorded, also if it fails. */
  readonly file: RecordFile | undefined;
  readonly signal: AbortSignal;
  readonly progress: TerminalProgress | undefined;
}

async function runInEnvironment(
  { check: name, args }: Extract<ParsedRequest, { kind: 'run' }>,
  { environment, check, session, file, signal, progress }: RunOptions,
): Promise<Report> {
  const { settings, config } = session;
  const secrets = [...settings.secrets, ...config.secrets];
  const asked = config.environments[environment];
  const run = { check: name, environment, now: new Date() };
  const recorder = file && startRecorder(run.now, secrets);
  const environments = await openEnvironments(asked ? { [environment]: asked } : {}, recorder);
  try {
    return await withSamples(session, check, run, async ({ earlier, onSamples }) => {
      try {
        return await runCheck(check, {
          ...run,
          ...(earlier && { earlier }),
          ...(onSamples && { onSamples }),
          ...(progress && { onStart: progress.start }),
          args,
          read: environments.get(environment)?.readers ?? {},
          signal,
          deadlineMs: config.limits.checkSeconds * 1_000,
          redact: makeRedact(secrets),
        });
      } finally {
        progress?.stop();
        const { sources = [] } = asked ?? {};
        if (recorder) {
          const asking = { check: name, environment, args, ...(earlier && { earlier }), sources };
          await file.write(recorder.write(asking));
          session.error(`wrench: Saved what the sources returned to ${file.path}\n${READ_FIRST}`);
        }
      }
    });
  } finally {
    await closeEnvironments(environments);
  }
}
