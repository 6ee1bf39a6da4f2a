import type { ports } from '../../kit.ts';
import type { NodeFacts } from './facts.ts';

/** Keeps what matters of each node for the containers on it. */
export class NodeCollector {
  readonly #nodes = new Map<string, NodeFacts & Omit<ports.KubeletAddress, keyof NodeFacts>>();

  get count(): number {
    return this.#nodes.size;
  }

  add(page: readonly ports.ClusterNode[]): void {
    for (const { name, kubeletVersion, containerRuntime, osImage, addresses, kubeletPort } of page)
      this.#nodes.set(name, {
        name,
        addresses,
        kubeletPort,
        ...(kubeletVersion !== undefined && { kubeletVersion }),
        ...(containerRuntime !== undefined && { containerRuntime }),
        ...(osImage !== undefined && { osImage }),
      });
  }

  factsOf(name: string): NodeFacts {
    const { addresses: _, kubeletPort: __, ...facts } = this.#nodes.get(name) ?? { name };
    return facts;
  }

  addressOf(name: string): ports.KubeletAddress | undefined {
    return this.#nodes.get(name);
  }
}
