import { type ports, wording } from '../../kit.ts';
import type { CertificateSurvey } from '../../shared/certificate-survey.ts';
import { defineRestart, permissionToRestart, type RestartOffer } from '../../shared/define-restart.ts';
import { withoutSource } from '../../shared/sources.ts';
import { readerOf } from './file-readers.ts';
import { namesOf, type ProcessTimes, type SupervisedProcess } from './process-times.ts';

export const restart = defineRestart({
  about: 'Restarts the process or instance whose certificate file is newer',
  settlesWithinSeconds: 120,
});

export type RestartProcessOffer = RestartOffer & { readonly target?: string };

/** The process that reads a certificate file. */
export interface RunningProcess {
  readonly name: string;
  readonly startedAt?: Date;
  /** How it can be restarted from here, or why not. Absent if no supervisor is known. */
  readonly restart?: RestartOffer | { readonly because: string };
}

interface File {
  readonly place: string;
  readonly store?: string;
  readonly host: string;
  readonly leaf?: ports.Certificate | undefined;
}

/** @param served the process that serves it, if the site says so: `rep` */
export function processOf(
  file: File,
  { programs, supervised }: ProcessTimes,
  survey: CertificateSurvey,
  served?: string,
): RunningProcess | undefined {
  const { program, job } = readerOf(file.place) ?? {};
  const names = [served, program, job].flatMap((name) => (name === undefined ? [] : [normalized(name)]));
  const times = programs.find(
    (one) => one.program === program && one.host === file.host && one.store === file.store,
  );
  const [known] = supervised
    .filter(({ instance }) => namesOf(instance).includes(file.host))
    .map((one) => ({ one, rank: names.indexOf(normalized(one.name)) }))
    .filter(({ rank }) => rank >= 0)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
  const name = known?.name ?? (times ? program : undefined);
  if (name === undefined) return undefined;
  const startedAt = times?.startedAt ?? known?.startedAt;
  return {
    name,
    ...(startedAt && { startedAt }),
    ...(known && { restart: restartOf(known, file, survey) }),
  };
}

/** `silk-daemon` is the process of the job `silk_daemon`. */
function normalized(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function restartOf(
  { supervisor, source, deployment, instance, name: process }: SupervisedProcess,
  file: File,
  survey: CertificateSurvey,
): RestartOffer | { readonly because: string } {
  const permission = permissionToRestart(instance, process);
  if (!permission.allowed) return { because: permission.because };
  if (supervisor === 'director' && !isDeployed(file, survey, source, deployment))
    return {
      because: `BOSH writes the files of the last deploy of ${deployment} when it restarts an instance, and it isn't known to have this certificate`,
    };
  const { group, id, name } = instance;
  return {
    remediation: 'restart',
    params: {
      source,
      deployment,
      group,
      id,
      name,
      ...(permission.scope === 'process' && { process }),
    },
  };
}

/** Whether the last deploy used the version that is in the file: its content if that was read, else the one that ends at the same second. */
function isDeployed(
  { leaf }: File,
  { directors, managed }: CertificateSurvey,
  source: string,
  deployment: string,
): boolean {
  const deployed = directors
    .filter((one) => one.source === source)
    .flatMap((one) => one.deployed)
    .filter((one) => one.deployment === deployment)
    .flatMap(({ certificates }) => certificates);
  return deployed.some(({ name, version, notAfter }) => {
    const of = managed.find((one) => one.name === name);
    const content = of?.contents.find(({ id }) => id === version);
    if (content) return content.chain[0].fingerprint === leaf?.fingerprint;
    const end = of?.versions.find(({ id }) => id === version)?.notAfter ?? notAfter;
    return end !== undefined && leaf !== undefined && end.getTime() === leaf.notAfter.getTime();
  });
}

/** `nginx has run since 2026-11-01 10:00 UTC, the file changed at 2026-11-25 08:00 UTC` */
export function describeTimes({ name, startedAt }: RunningProcess, changedAt: Date): string | undefined {
  return (
    startedAt &&
    `${name} has run since ${wording.utcTime(startedAt)}, the file changed at ${wording.utcTime(changedAt)}`
  );
}

export function nameOfFile(place: string, host: string): string {
  return withoutSource(place).replace(`${host}:`, '');
}
