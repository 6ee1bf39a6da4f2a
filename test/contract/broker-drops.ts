import type { BrokerNode, BrokerQueue } from '../../src/ports/brokers.ts';
import type { Incomplete } from './engine-drops.ts';

type Hiding = Incomplete & { readonly hidden?: unknown };

/** Each fact of a node that decides about it and that the broker may not report, with a fault in its place. */
export function incompleteBrokerNodes(nodes: readonly BrokerNode[]): readonly Hiding[] {
  return nodes.map((node) => {
    const replaced = (changed: BrokerNode) => nodes.map((one) => (one === node ? changed : one));
    const { partitions: _, ...unknown } = node;
    return {
      what: `the partitions of ${node.name} are unknown`,
      subject: node.name,
      value: replaced(unknown),
      hidden: replaced({ ...node, partitions: ['rabbit@other'] }),
    };
  });
}

/** The same of queues, and one queue that isn't listed. */
export function incompleteQueues(pages: readonly (readonly BrokerQueue[])[]): readonly Hiding[] {
  return pages.flat().flatMap((queue) => {
    const replaced = (changed: readonly BrokerQueue[]) =>
      pages.map((page) => page.flatMap((one) => (one === queue ? changed : [one])));
    const { messages: _, ...uncounted } = queue;
    const { consumers: __, ...unread } = queue;
    return [
      { what: `the messages of ${queue.name} are unknown`, subject: 'queue', value: replaced([uncounted]) },
      { what: `the consumers of ${queue.name} are unknown`, subject: 'queue', value: replaced([unread]) },
      { what: `${queue.name} is not listed`, subject: 'queue', value: replaced([]) },
    ];
  });
}
