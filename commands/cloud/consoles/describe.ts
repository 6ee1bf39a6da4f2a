import { type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { type ConsoleLogs, diskBytesOf, isCurrent } from './console-logs.ts';
import type { ConsoleProblem } from './judge.ts';
import { type Truncating, truncatingOf } from './truncating.ts';
import type { TruncateParams } from './truncate-console.ts';

export interface OfferOfConsoles {
  readonly remediation: 'truncate-console';
  readonly params: TruncateParams;
}

const HOUR_MS = 3_600_000;
/** Seconds or hours of growth say nothing about a time that is further away. */
export const FORECAST_MS = 14 * 24 * HOUR_MS;
/** A file that costs so much less than its size is worth a word. */
const SPARSE_FACTOR = 2;

/** `broken-agent`, or the folder if the instance is unknown. */
export function nameOf({ owner, folder }: Pick<ConsoleLogs, 'owner' | 'folder'>): string {
  const name = owner?.server?.name;
  return name === undefined || name === '' ? folder : name;
}

export function describe(problem: ConsoleProblem): Finding<OfferOfConsoles> {
  return problem.is === 'orphaned' ? describeOrphan(problem) : describeLarge(problem);
}

function describeLarge(problem: ConsoleProblem): Finding<OfferOfConsoles> {
  const { logs, severity, isDiskFull } = problem;
  const { target, host, diskBytes } = logs;
  const truncating = truncatingOf(logs);
  const size = wording.bytes(diskBytes);
  const rate = rateOf(logs);
  const grows = problem.isGrowing && rate !== undefined ? ` and grows by ${rate}` : '';
  const filling = fillingOf(problem);
  const isOffered = truncating.helps && host.truncation.allowed;
  return {
    reason: 'console-log-large',
    severity,
    target,
    summary:
      `The console log of ${nameOf(logs)} uses ${size} on disk${grows}${filling}` +
      `${isDiskFull && filling === '' ? '; the disk is almost full' : ''}. ${isOffered ? 'Truncate it' : isUnowned(logs) ? 'Nova has no such instance: find out what writes to it' : 'Contact the owner'}`,
    evidence: [
      ...ownerEvidence(logs),
      field('Growth', growthInWords(logs, filling !== '')),
      ...optionalField('Disk', freeInWords(logs.mount)),
      ...fileEvidence(logs),
      ...truncatingEvidence(truncating, host.truncation),
      ...steps(stepsFor(logs, truncating)),
    ],
    level: { value: diskBytes, unit: 'bytes' },
    ...(isOffered && {
      offers: [
        {
          remediation: 'truncate-console',
          params: {
            source: host.source,
            host: host.host,
            path: truncating.path,
            bytes: truncating.bytes,
            instance: nameOf(logs),
            target,
          },
        },
      ],
    }),
  };
}

/** Old folders stay behind after a failed deletion or migration. */
function describeOrphan({ logs, severity }: ConsoleProblem): Finding<OfferOfConsoles> {
  const { target, host, folder, diskBytes, files } = logs;
  const newest = files.map(({ modifiedAt }) => modifiedAt).toSorted((a, b) => b.getTime() - a.getTime())[0];
  return {
    reason: 'console-log-orphaned',
    severity,
    target,
    summary: `${folder} on ${host.name} belongs to no instance, and its console log uses ${wording.bytes(diskBytes)}. Check and delete the folder by hand`,
    evidence: [
      ...optionalField('Last written', newest && wording.utcTime(newest)),
      ...fileEvidence(logs),
      ...steps([
        `Check on ${host.name} that libvirt doesn't know it: \`virsh list --all\``,
        `Check that nothing in /var/lib/nova/instances/${folder} is needed, such as a disk`,
        'Then delete the folder',
      ]),
    ],
    level: { value: diskBytes, unit: 'bytes' },
  };
}

/** Every cloud has said that it has no such instance. */
function isUnowned({ owner }: ConsoleLogs): boolean {
  return owner !== undefined && owner.server === undefined;
}

function rateOf({ growth }: ConsoleLogs): string | undefined {
  return growth && `${wording.bytes(growth.bytesPerHour)} an hour`;
}

/** `, which fills the disk in about 16 hours` */
function fillingOf({ fullInMs }: ConsoleProblem): string {
  return fullInMs === undefined || fullInMs > FORECAST_MS
    ? ''
    : `, which fills the disk in about ${wording.span(fullInMs)}`;
}

function growthInWords({ growth }: ConsoleLogs, hasForecast: boolean): string {
  if (!growth) return "couldn't be measured";
  const { bytesPerHour, overMs, isRemembered } = growth;
  const measured = isRemembered
    ? `compared with ${wording.span(overMs)} ago`
    : `measured for ${wording.elapsed(overMs)}`;
  if (bytesPerHour === 0) return `none, ${measured}`;
  const estimated = hasForecast ? '; the forecast is an estimate' : '';
  return `${wording.bytes((bytesPerHour * overMs) / HOUR_MS)}, ${measured}${estimated}`;
}

function freeInWords(mount: ports.HostMount | undefined): string | undefined {
  if (mount?.freeBytes === undefined) return undefined;
  const of = mount.totalBytes === undefined ? '' : ` of ${wording.bytes(mount.totalBytes)}`;
  return `${wording.bytes(mount.freeBytes)}${of} free on ${mount.path}`;
}

function ownerEvidence({ owner, folder, host, alsoOn }: ConsoleLogs): readonly Evidence[] {
  const server = owner?.server;
  const who =
    server &&
    [
      server.user === undefined ? undefined : `user ${server.user}`,
      server.project === undefined ? undefined : `project ${server.project}`,
    ].filter((one) => one !== undefined);
  const elsewhere = server?.host !== undefined && server.host !== host.host ? server.host : undefined;
  return [
    field('Owner', who && who.length > 0 ? wording.list(who) : owner && !server ? 'no instance' : 'unknown'),
    ...(server && server.id !== folder ? [field('Instance', server.id)] : []),
    ...optionalField('Runs on', elsewhere),
    ...(alsoOn.length > 0 ? [field('Shared storage', `also seen from ${wording.list(alsoOn)}`)] : []),
  ];
}

function fileEvidence({ files, diskBytes }: ConsoleLogs): readonly Evidence[] {
  const apparent = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const rotated = files.filter(({ path }) => !isCurrent(path));
  return [
    ...(rotated.length > 0
      ? [
          field(
            'Rotated logs',
            `${rotated.length} with ${wording.bytes(rotated.reduce((sum, file) => sum + diskBytesOf(file), 0))}`,
          ),
        ]
      : []),
    ...(apparent >= SPARSE_FACTOR * diskBytes
      ? [field('Apparent size', `${wording.bytes(apparent)}: it is sparse`)]
      : []),
  ];
}

function truncatingEvidence(
  truncating: Truncating,
  permission: ports.ConfiguredPermission,
): readonly Evidence[] {
  if (!truncating.helps) return [field('Truncating', `doesn't help: ${truncating.because}`)];
  return permission.allowed ? [] : [field('Truncating', `would help, but ${permission.because}`)];
}

function stepsFor(logs: ConsoleLogs, truncating: Truncating): readonly (string | undefined)[] {
  const id = logs.owner?.server?.id ?? logs.folder;
  if (isUnowned(logs))
    return [
      `Check on ${logs.host.name} what libvirt runs, and which instance it is: \`virsh list --all --uuid --name\``,
      'Stop it only if its instance was deleted or moved, and nobody needs it',
    ];
  return [
    `Ask the owner to stop what ${nameOf(logs)} writes to its console`,
    truncating.helps
      ? undefined
      : `Then let the owner reboot it with \`openstack server reboot --hard ${id}\`: QEMU starts again with an empty log`,
    'Let virtlogd rotate console logs: `stdio_handler = "logd"` in `qemu.conf`, `max_size` in `virtlogd.conf`',
    `Until then, read the console only with a length: \`openstack console log show --lines 50 ${id}\``,
  ];
}
