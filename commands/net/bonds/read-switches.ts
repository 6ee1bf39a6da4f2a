import { SourceError } from '../../kit.ts';
import type { BondContext, SwitchFacts } from './facts.ts';
import { portHistories, type PortHistory } from './switch-log.ts';

/** The logs and port lists of switches. undefined if none is configured. */
export async function readSwitches(
  { read, signal, attempt, gap }: BondContext,
  since: Date,
): Promise<SwitchFacts | undefined> {
  const sources = (read.logs ?? []).filter(({ contains }) => contains.includes('switch'));
  if (sources.length === 0) return undefined;
  const answers = await Promise.all(
    sources.map(async (source) => {
      const histories = portHistories();
      const [isRead, connected] = await Promise.all([
        attempt(`${source.name}: logs of switches`, false, async () => {
          for await (const lines of source.lines({ content: 'switch', since, signal }))
            for (const line of lines) histories.add(line);
          return true;
        }),
        attempt(`${source.name}: list of switch ports`, undefined, () => source.switchPorts({ signal })),
      ]);
      if (histories.isFull())
        gap(
          `${source.name}: logs of switches`,
          new SourceError(source.name, 'malformed', 'they mention too many ports'),
        );
      return {
        ports: histories.histories(),
        connected: connected ?? [],
        isComplete: isRead && connected !== undefined && !histories.isFull(),
      };
    }),
  );
  return {
    ports: withoutCopies(answers.flatMap(({ ports }) => ports)),
    connected: answers.flatMap(({ connected }) => connected),
    isComplete: answers.every(({ isComplete }) => isComplete),
  };
}

/** Two sources may have copies of the logs of one switch. */
function withoutCopies(all: readonly PortHistory[]): readonly PortHistory[] {
  const byPort = Map.groupBy(all, ({ key }) => key);
  return [...byPort.values()].flatMap(
    (copies) => copies.find(({ disabled }) => disabled) ?? copies.slice(0, 1),
  );
}
