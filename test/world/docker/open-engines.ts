import { onTestFinished } from 'vitest';
import type { ContainerEngines, EngineContainer, EngineWriter } from '../../../src/ports/engines.ts';
import type { SourceRecorder } from '../../../src/ports/recorder.ts';
import type { Source } from '../../../src/ports/source.ts';
import { dockerConfig } from '../../../src/sources/docker/config.ts';
import { openDocker } from '../../../src/sources/docker/open.ts';

export interface OpenedEngines {
  readonly source: Source;
  readonly engines: ContainerEngines;
  readonly writer: EngineWriter | undefined;
  /** All containers of one engine, by name. */
  readonly containers: (
    engine?: string,
    signal?: AbortSignal,
  ) => Promise<ReadonlyMap<string, EngineContainer>>;
}

/** Opens a `docker` source named `lab`. It is closed when the test has finished. */
export function openEngines(config: object, recorder?: SourceRecorder): OpenedEngines {
  const source = openDocker(dockerConfig.parse({ kind: 'docker', name: 'lab', ...config }), recorder);
  onTestFinished(source.close);
  const engines = source.reads.engines!;
  return {
    source,
    engines,
    writer: source.writes?.engines,
    containers: async (engine = 'lab', signal = new AbortController().signal) => {
      const found = new Map<string, EngineContainer>();
      for await (const batch of engines.containers({ engine, signal }))
        for (const container of batch) found.set(container.name, container);
      return found;
    },
  };
}
