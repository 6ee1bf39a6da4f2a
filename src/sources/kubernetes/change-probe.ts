import type { ClusterWriter, ProbeChange } from '../../ports/clusters.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { ADJUSTED_AT, ADJUSTED_BY, ADJUSTED_CONTAINER, adjustmentIn } from './adjustment.ts';
import type { ClusterConnection } from './connection.ts';
import {
  changeableKind,
  changeTemplate,
  containerInTemplate,
  requireRollout,
  templateAnnotations,
  type TemplateChange,
  type TemplateEdit,
  tryTemplateChange,
  workloadInWords,
} from './template-change.ts';
import { probeIn } from './to-probe.ts';

interface Changing extends TemplateChange {
  readonly change: ProbeChange;
}

export interface ProbeWriter extends Pick<ClusterWriter, 'changeProbe'> {
  /** Sends the same patch as a dry run. @throws {SourceError} as `changeProbe` */
  readonly tryChange: (change: ProbeChange, options: Pick<ReadOptions, 'signal'>) => Promise<void>;
}

/** Changes probes in the templates of workloads with the credential of this connection. */
export function openProbeWriter(source: string, connection: ClusterConnection): ProbeWriter {
  const changingOf = (change: ProbeChange, signal: AbortSignal): Changing => {
    const { workload } = change;
    return { source, connection, workload, kind: changeableKind(source, workload), change, signal };
  };
  return {
    changeProbe: async (change, { idempotencyKey: id, signal }) => {
      const changing = changingOf(change, signal);
      await changeTemplate(changing, editOf(changing), id);
    },
    tryChange: async (change, { signal }) => {
      const changing = changingOf(change, signal);
      const after = valueIn(await tryTemplateChange(changing, editOf(changing)), change);
      if (after !== change.to)
        throw new SourceError(
          source,
          'refused',
          `after a dry run, ${fieldName(change)} of ${printable(change.container)} is ${after ?? 'not set'}, not ${change.to}: an admission webhook may reset it`,
        );
    },
  };
}

/** @throws {SourceError} `missing` if what would be changed is not as planned; `refused` if the change would have no effect now. */
function requireChangeable(changing: Changing, current: JsonObject): void {
  const { source, change } = changing;
  const missing = (message: string) => new SourceError(source, 'missing', message);
  const shown = workloadInWords(change.workload);
  requireRollout(changing, current);
  const container = printable(change.container);
  const found = containerInTemplate(current, change.container);
  if (!found) throw missing(`the ${shown} no longer has the container ${container}`);
  const value = valueIn(current, change);
  if (value === undefined)
    throw missing(`the container ${container} of the ${shown} no longer has a ${probeKey(change)}`);
  if (value !== change.from)
    throw missing(`${fieldName(change)} of ${container} in the ${shown} is now ${value}, not ${change.from}`);
}

function editOf(changing: Changing): TemplateEdit {
  const { change } = changing;
  const { container, field, to } = change;
  return {
    request: 'patch',
    outcome: 'changed',
    idIn: (workload) => adjustmentIn(templateAnnotations(workload)).adjusted?.by,
    ensureChangeable: (current) => requireChangeable(changing, current),
    // Containers are merged by name.
    templateFor: (current, id) => ({
      metadata: {
        annotations: {
          [ADJUSTED_BY]: id,
          [ADJUSTED_AT]: new Date().toISOString(),
          [ADJUSTED_CONTAINER]: container,
        },
      },
      spec: {
        [containerInTemplate(current, container)?.list ?? 'containers']: [
          { name: container, [probeKey(change)]: { [field]: to } },
        ],
      },
    }),
    isApplied: (after) => valueIn(after, change) === to,
  };
}

/** In `kubectl`'s words: `livenessProbe.failureThreshold`. */
function fieldName(change: ProbeChange): string {
  return `${probeKey(change)}.${change.field}`;
}

function probeKey({ probe }: ProbeChange): 'livenessProbe' | 'startupProbe' {
  return `${probe}Probe`;
}

/** The present value of the field; undefined if the probe does not exist. */
function valueIn(workload: JsonObject, change: ProbeChange): number | undefined {
  const found = containerInTemplate(workload, change.container);
  return found && probeIn(found.container, probeKey(change))?.[change.field];
}
