import { loadCatalogue } from '../request/catalogue.ts';
import { makeRedact } from '../text/redact.ts';
import { runCheck } from '../check/run-check.ts';
import type { Report } from '../check/finding.ts';
import { type ProcessSettings, readConfig, readEnvironment } from '../config/read-config.ts';
import { type ParsedRequest, parseRequest } from '../request/parse.ts';
import { renderHelpTerminal, renderTerminal } from '../terminal/render.ts';
import { asksForDemo, runningDemo } from './shared/demo.ts';
import { type SampleSession, withSamples } from './shared/samples.ts';
import { EXIT, printUsageProblem, type Terminal, type UsageProblem } from './shared/terminal.ts';
import { quoteWord } from './shared/parse-flags.ts';
import { closeEnvironments, openEnvironments } from '../app/environments.ts';

/**
 * `wrench run certs expiring`: runs one check from a terminal, without Slack. Redis is only read for a check that remembers, and can be missing.
 * `--json` prints only the report. @returns the exit code.
 */
export async function run(
  words: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const settings = readEnvironment();
  return runRequest(words, asksForDemo(words) ? settingsOfDemo(settings) : settings, terminal, signal);
}

/** The samples of the demo are in its own Redis. */
function settingsOfDemo(settings: ProcessSettings): ProcessSettings {
  const { redisUrl: _, ...own } = settings;
  const { configPath, redisUrl } = runningDemo(own.dataPath);
  return { ...own, configPath, ...(redisUrl !== undefined && { redisUrl }) };
}

async function runRequest(
  words: readonly string[],
  settings: ProcessSettings,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const catalogue = await loadCatalogue();
  const config = readConfig(settings.configPath, undefined, { checks: catalogue.checks });
  const environments = Object.keys(config.environments);
  const text = words
    .filter((word) => word !== JSON_FLAG)
    .map(quoteWord)
    .join(' ');
  const request = parseRequest(text, { catalogue, environments, defaults: config.checks });
  if (request.kind === 'help') {
    terminal.out(renderHelpTerminal(request.help, terminal.columns));
    return EXIT.clear;
  }
  if (request.kind === 'problem') return printUsageProblem(request, terminal);
  const environment = request.environment ?? config.defaultEnvironment;
  const check = catalogue.checks.get(request.check);
  if (environment === undefined || !check)
    return printUsageProblem(environmentProblem(environments), terminal);
  const report = await runInEnvironment(
    request,
    environment,
    { settings, config, error: terminal.error },
    check,
    signal,
  );
  const shown = words.includes(JSON_FLAG)
    ? `${JSON.stringify(report, null, 2)}\n`
    : renderTerminal(report, { ...terminal, command: `wrench run ${text}` });
  terminal.out(shown);
  return EXIT[report.status];
}

const JSON_FLAG = '--json';

function environmentProblem(environments: readonly string[]): UsageProblem {
  return { problem: `Say which environment: --env with one of ${environments.join(', ')}.`, usage: [] };
}

async function runInEnvironment(
  { check: name, args }: Extract<ParsedRequest, { kind: 'run' }>,
  environment: string,
  session: SampleSession,
  check: Parameters<typeof runCheck>[0],
  signal: AbortSignal,
): Promise<Report> {
  const { settings, config } = session;
  const asked = config.environments[environment];
  const environments = await openEnvironments(asked ? { [environment]: asked } : {});
  const run = { check: name, environment, now: new Date() };
  try {
    return await withSamples(session, check, run, (samples) =>
      runCheck(check, {
        ...run,
        ...samples,
        args,
        read: environments.get(environment)?.readers ?? {},
        signal,
        deadlineMs: config.limits.checkSeconds * 1_000,
        redact: makeRedact([...settings.secrets, ...config.secrets]),
      }),
    );
  } finally {
    await closeEnvironments(environments);
  }
}
