import { loadCatalogue } from '../request/catalogue.ts';
import { makeRedact } from '../text/redact.ts';
import { runCheck } from '../check/run-check.ts';
import type { Report } from '../check/finding.ts';
import { type Config, type ProcessSettings, readConfig, readEnvironment } from '../config/read-config.ts';
import { type ParsedRequest, parseRequest } from '../request/parse.ts';
import { renderHelpTerminal, renderTerminal } from '../terminal/render.ts';
import { asksForDemo, demoConfigPath } from './shared/demo.ts';
import { EXIT, refuse, type Terminal, type Usage } from './shared/terminal.ts';
import { quoteWord } from './shared/words.ts';
import { closeEnvironments, openEnvironments } from '../app/environments.ts';

/** Asks one question from a terminal, without Slack and without Redis. `--json` prints the report and nothing else. */
export async function run(
  words: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const settings = readEnvironment();
  if (!asksForDemo(words)) return answer(words, settings, terminal, signal);
  return answer(words, { ...settings, configPath: demoConfigPath(settings.dataPath) }, terminal, signal);
}

async function answer(
  words: readonly string[],
  { configPath, secrets }: ProcessSettings,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const catalogue = await loadCatalogue();
  const config = readConfig(configPath, undefined, { checks: catalogue.checks });
  const environments = Object.keys(config.environments);
  const text = words
    .filter((word) => word !== JSON_FLAG)
    .map(quoteWord)
    .join(' ');
  const question = parseRequest(text, { catalogue, environments, defaults: config.checks });
  if (question.kind === 'help') {
    terminal.out(renderHelpTerminal(question.help, terminal.columns));
    return EXIT.clear;
  }
  if (question.kind === 'problem') return refuse(question, terminal);
  const environment = question.environment ?? config.defaultEnvironment;
  const check = catalogue.checks.get(question.check);
  if (environment === undefined || !check) return refuse(whichOf(environments), terminal);
  const report = await runOnce(question, environment, config, secrets, check, signal);
  const shown = words.includes(JSON_FLAG)
    ? `${JSON.stringify(report, null, 2)}\n`
    : renderTerminal(report, { ...terminal, command: `wrench run ${text}` });
  terminal.out(shown);
  return EXIT[report.status];
}

const JSON_FLAG = '--json';

function whichOf(environments: readonly string[]): Usage {
  return { problem: `Say which environment: --env with one of ${environments.join(', ')}.`, usage: [] };
}

async function runOnce(
  { check: name, args }: Extract<ParsedRequest, { kind: 'run' }>,
  environment: string,
  config: Config,
  secrets: readonly string[],
  check: Parameters<typeof runCheck>[0],
  signal: AbortSignal,
): Promise<Report> {
  const asked = config.environments[environment];
  const environments = await openEnvironments(asked ? { [environment]: asked } : {});
  try {
    return await runCheck(check, {
      check: name,
      environment,
      args,
      read: environments.get(environment)?.readers ?? {},
      now: new Date(),
      signal,
      deadlineMs: config.limits.checkSeconds * 1_000,
      redact: makeRedact([...secrets, ...config.secrets]),
    });
  } finally {
    await closeEnvironments(environments);
  }
}
