import { commandSwitches, readOptions } from './run-options.ts';
import type { ShellWord } from './shell-values.ts';
import { leadingText, literalText } from './shell-values.ts';

/** How a program that runs another one is called. */
interface Wrapper {
  /** Options without a value: short ones as letters, then long ones. Every other option has one. */
  readonly switches?: readonly [string, string];
  /** How many operands stand before the command. */
  readonly operands?: number;
  /** Whether `NAME=value` may stand before the command. */
  readonly setsVariables?: true;
  /** Options that only print something about the command. */
  readonly onlyPrints?: readonly string[];
  /** Options whose value is a script: `script -c '…'`. */
  readonly scripts?: readonly string[];
  /** Words that have to follow the name: `doppler run`. */
  readonly after?: readonly string[];
}

const ANY: Wrapper = { switches: ['abcdefghijklmopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', ''] };
const WRAPPERS: Record<string, Wrapper> = {
  sudo: {
    switches: [
      'AbBEeHhiKklNnPSsVv',
      'askpass background bell edit help login list non-interactive preserve-env preserve-groups remove-timestamp reset-timestamp set-home shell stdin validate version no-update',
    ],
    setsVariables: true,
    onlyPrints: ['-l', '--list', '-e', '--edit', '-h'],
  },
  doas: { switches: ['Lns', ''] },
  env: {
    switches: [
      'i0v',
      'ignore-environment null debug list-signal-handling block-signal default-signal ignore-signal help version',
    ],
    setsVariables: true,
    scripts: ['-S', '--split-string'],
  },
  timeout: { switches: ['vfp', 'preserve-status foreground verbose help version'], operands: 1 },
  gtimeout: { switches: ['vfp', 'preserve-status foreground verbose help version'], operands: 1 },
  nice: { switches: ['0123456789', 'help version'] },
  ionice: { switches: ['t', 'ignore help version'] },
  chrt: {
    switches: ['abdfmoriv', 'all-tasks batch deadline fifo max idle other rr verbose help'],
    operands: 1,
  },
  taskset: { switches: ['acp', 'all-tasks cpu-list pid help'], operands: 1 },
  numactl: {},
  nohup: { switches: ['', 'help version'] },
  setsid: { switches: ['cfwhV', 'ctty fork wait help version'] },
  stdbuf: { switches: ['', 'help version'] },
  unbuffer: { switches: ['p', ''] },
  exec: { switches: ['cl', ''] },
  command: { switches: ['pvV', ''], onlyPrints: ['-v', '-V'] },
  builtin: {},
  time: { switches: ['pvaq', 'append portability verbose quiet help version'] },
  gtime: { switches: ['pvaq', 'append portability verbose quiet help version'] },
  xargs: {
    switches: [
      '0rtpxoiel123456789',
      'null no-run-if-empty verbose interactive exit open-tty show-limits help version replace max-lines eof',
    ],
  },
  chronic: ANY,
  ts: {},
  strace: { switches: ['cCdfFhiqrtTvVxyzZwknAD', 'follow-forks summary-only relative-timestamps'] },
  ltrace: { switches: ['cCfhiLrStTV', ''] },
  watch: { switches: ['bcdegptwrx', 'beep color errexit exec no-title precise no-wrap'] },
  fakeroot: { switches: ['hvbu', ''] },
  proxychains: { switches: ['q', ''] },
  proxychains4: { switches: ['q', ''] },
  caffeinate: { switches: ['disum', ''] },
  gosu: { operands: 1 },
  'su-exec': { operands: 1 },
  setpriv: { switches: ['d', 'clear-groups dump init-groups keep-groups nnp no-new-privs reset-env'] },
  chroot: { switches: ['', 'skip-chdir help version'], operands: 1 },
  unshare: {
    switches: [
      'imnpuUCTfrch',
      'ipc mount net pid uts user cgroup time fork map-root-user map-current-user map-auto mount-proc keep-caps kill-child',
    ],
  },
  nsenter: {
    switches: [
      'amuinpUCTrFeZ',
      'all mount uts ipc net pid user cgroup time preserve-credentials no-fork env follow-context',
    ],
  },
  'systemd-run': {
    switches: [
      'tPqdrGS',
      'user system scope pty pipe quiet wait collect remain-after-exit same-dir no-block no-ask-password send-sighup shell slice-inherit',
    ],
  },
  'systemd-inhibit': { switches: ['', 'no-pager no-legend list'] },
  cgexec: { switches: ['', 'sticky'] },
  'dbus-run-session': { switches: ['', ''] },
  'xvfb-run': { switches: ['al', 'auto-servernum listen-tcp'] },
  faketime: { switches: ['fm', ''], operands: 1 },
  sshpass: { switches: ['eVhv', ''] },
  flock: {
    switches: ['sxeunoFv', 'shared exclusive unlock nonblock nb close no-fork verbose'],
    operands: 1,
    scripts: ['-c', '--command'],
  },
  script: { switches: ['aefqT', 'append return flush quiet force'], scripts: ['-c', '--command'] },
  su: { switches: ['lmpPf', 'login preserve-environment pty fast'], scripts: ['-c', '--command'] },
  sg: { operands: 1, scripts: ['-c'] },
  newgrp: { operands: 1 },
  runuser: { switches: ['lmpPf', 'login preserve-environment pty fast'], scripts: ['-c', '--command'] },
  'nix-shell': { switches: ['', 'pure impure'], scripts: ['--run', '--command'] },
  busybox: {},
  wsl: { switches: ['e', 'exec'] },
  doppler: {
    after: ['run'],
    switches: ['', 'preserve-env mount-only fallback-only no-fallback'],
    scripts: ['--command'],
  },
  op: { after: ['run'], switches: ['', 'no-masking'] },
  'aws-vault': {
    after: ['exec'],
    switches: ['nj', 'no-session server ec2-server ecs-server json'],
    operands: 1,
  },
  mise: { after: ['exec'], switches: ['q', 'quiet raw'] },
  direnv: { after: ['exec'], operands: 1 },
  chamber: { after: ['exec'], switches: ['', 'strict pristine'], operands: 1 },
  poetry: { after: ['run'] },
  pipenv: { after: ['run'] },
  pdm: { after: ['run'] },
  uv: { after: ['run'], switches: ['qv', 'no-project isolated frozen locked quiet verbose'] },
  bundle: { after: ['exec'] },
  dotenv: { switches: ['', ''] },
  lima: {},
  parallel: {
    switches: [
      '0kqvmXu',
      'keep-order halt-on-error will-cite bar progress line-buffer ungroup null no-notice verbose dry-run',
    ],
  },
  travis_wait: { operands: 1 },
};

const RETRIES =
  /^(.*[-_.])?(retry|retries|try|repeat|until_success|wait_for|attempt|backoff|eventually|retry\.sh|nick-invision)([-_.].*)?$/i;

export function isWrapper(name: string): boolean {
  return Object.hasOwn(WRAPPERS, name) || RETRIES.test(name);
}

/** What a command runs. */
export type Inner =
  | { readonly kind: 'command'; readonly words: readonly ShellWord[]; readonly assigns: readonly ShellWord[] }
  | { readonly kind: 'texts'; readonly scripts: readonly ShellWord[] };

/** The command that `words[0]` runs, if it is a known wrapper: `sudo -u ci docker run x`. */
export function unwrap(name: string, words: readonly ShellWord[]): Inner | undefined {
  const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name]! : RETRIES.test(name) ? undefined : null;
  if (wrapper === null) return undefined;
  if (!wrapper) return { kind: 'command', words: words.slice(afterRetry(words)), assigns: [] };
  let from = 1;
  for (const word of wrapper.after ?? []) {
    while (from < words.length && literalText(words[from]) !== word) from += 1;
    from += 1;
  }
  const [short = '', long = ''] = wrapper.switches ?? [];
  const { options, next } = readOptions(words, from, commandSwitches(short, long));
  if (options.some((option) => wrapper.onlyPrints?.includes(option.name)))
    return { kind: 'command', words: [], assigns: [] };
  const isScript = (option: string): boolean => wrapper.scripts?.includes(option) ?? false;
  const scripts = options
    .filter((option) => isScript(option.name) && option.value)
    .map(({ value }) => value!);
  const isCommand =
    name === 'runuser' && options.some((option) => option.name === '-u' || option.name === '--user');
  const last = name === 'flock' ? next + 1 : isCommand || !wrapper.scripts ? -1 : words.length;
  for (let at = next; at <= last && at < words.length - 1; at += 1)
    if (isScript(literalText(words[at]) ?? '')) scripts.push(words[at + 1]!);
  // `sg docker 'docker run x'`: with or without -c
  const given = name === 'sg' ? words[next + 1] : undefined;
  if (given && scripts.length === 0) scripts.push(given);
  if (scripts.length > 0) return { kind: 'texts', scripts };
  if (name === 'script' || name === 'su' || (name === 'runuser' && !isCommand))
    return { kind: 'command', words: [], assigns: [] };
  let at = next;
  for (let left = wrapper.operands ?? 0; left > 0; left -= 1) at += 1;
  if (literalText(words[at]) === '--') at += 1;
  const assigns: ShellWord[] = [];
  while (wrapper.setsVariables && at < words.length && /^[A-Za-z_]\w*=/.test(leadingText(words[at]!)))
    assigns.push(words[at++]!);
  return { kind: 'command', words: words.slice(at), assigns };
}

/** `retry 3 docker run x`, `retry -t 5 --delay 10s -- docker run x` */
function afterRetry(words: readonly ShellWord[]): number {
  for (let at = 1; at < words.length; at += 1) {
    const text = literalText(words[at]);
    if (text === '--') return at + 1;
    if (
      text === undefined
        ? words[at]!.parts.length > 0 && at < 3
        : text.startsWith('-') || /^\d+[smhd]?$/.test(text)
    )
      continue;
    return at;
  }
  return words.length;
}
