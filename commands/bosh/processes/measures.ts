import type { Diagnosis, ports } from '../../kit.ts';
import { instanceFaultOf } from '../../shared/instances.ts';
import type { Survey } from './survey.ts';
import { nounsFor } from './problem.ts';

type Measure = NonNullable<Diagnosis['measures']>[number];

/** The most widespread, whatever their state, so that the same are measured before and after; and as many that are down besides. */
const MAX_PROCESSES = 20;

/** How many run of how many should: `metron_agent running on 12 of 12`. */
export function measuresOf(surveys: readonly Survey[]): Measure[] {
  return surveys.flatMap((survey) => {
    const prefix = surveys.length > 1 ? `${survey.deployment.name} ` : '';
    const all = survey.processes
      .map(({ name, on, down }) => ({
        label: `${prefix}${name}`,
        value: on.length - down.length,
        of: on.length + countNotReporting(survey, name),
        unit: 'running',
      }))
      .toSorted((a, b) => b.of - a.of);
    const downBesides = all.slice(MAX_PROCESSES).filter(({ value, of }) => value < of);
    return [
      ...agentsOf(survey, prefix),
      ...all.slice(0, MAX_PROCESSES),
      ...downBesides.slice(0, MAX_PROCESSES),
    ];
  });
}

function agentsOf({ deployment, active }: Survey, prefix: string): Measure[] {
  if (active.length === 0) return [];
  const silent = active.filter((instance) => NOT_RESPONDING.has(instanceFaultOf(instance)));
  const label = `${prefix}${nounsFor(deployment).agent}`;
  return [{ label, value: active.length - silent.length, of: active.length, unit: 'answering' }];
}

const NOT_RESPONDING: ReadonlySet<string | undefined> = new Set(['silent', 'absent']);

/** Instances that do not report their processes, and whose group is known to run this one. */
function countNotReporting({ active, reporting }: Survey, name: string): number {
  const groups = new Set(
    reporting
      .filter(({ processes }) => processes.some((process) => process.name === name))
      .map(({ group }) => group),
  );
  const isNotReporting = (instance: ports.Instance) =>
    instanceFaultOf(instance) !== undefined && groups.has(instance.group);
  return active.filter(isNotReporting).length;
}
