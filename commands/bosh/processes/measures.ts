import type { Diagnosis, ports } from '../../kit.ts';
import { ailmentOf } from '../../shared/instances.ts';
import type { Survey } from './survey.ts';
import { wordsFor } from './problem.ts';

type Measure = NonNullable<Diagnosis['measures']>[number];

/** The most widespread, whatever their state, so that the same are measured before and after; and as many that are down besides. */
const MOST = 20;

/** How many run of how many should: `metron_agent running on 12 of 12`. */
export function measuresOf(surveys: readonly Survey[]): Measure[] {
  return surveys.flatMap((survey) => {
    const prefix = surveys.length > 1 ? `${survey.deployment.name} ` : '';
    const all = survey.processes
      .map(({ name, on, down }) => ({
        label: `${prefix}${name}`,
        value: on.length - down.length,
        of: on.length + untoldOf(survey, name),
        unit: 'running',
      }))
      .toSorted((a, b) => b.of - a.of);
    const downBesides = all.slice(MOST).filter(({ value, of }) => value < of);
    return [...agentsOf(survey, prefix), ...all.slice(0, MOST), ...downBesides.slice(0, MOST)];
  });
}

function agentsOf({ deployment, awake }: Survey, prefix: string): Measure[] {
  if (awake.length === 0) return [];
  const silent = awake.filter((instance) => SILENT.has(ailmentOf(instance)));
  const label = `${prefix}${wordsFor(deployment).agent}`;
  return [{ label, value: awake.length - silent.length, of: awake.length, unit: 'answering' }];
}

const SILENT: ReadonlySet<string | undefined> = new Set(['silent', 'absent']);

/** Instances that do not report their processes, and whose group is known to run this one. */
function untoldOf({ awake, telling }: Survey, name: string): number {
  const groups = new Set(
    telling
      .filter(({ processes }) => processes.some((process) => process.name === name))
      .map(({ group }) => group),
  );
  const untold = (instance: ports.Instance) =>
    ailmentOf(instance) !== undefined && groups.has(instance.group);
  return awake.filter(untold).length;
}
