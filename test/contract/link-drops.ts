import type { HostLinks, Link } from '../../src/ports/hosts.ts';

/** A list of links with one fact missing, and with a fault in its place. */
interface IncompleteLinks {
  readonly what: string;
  /** The link, which the report must mention. */
  readonly subject: string;
  readonly value: HostLinks;
  readonly hidden?: HostLinks;
}

/** Facts that older tools don't print. An absent `kind` means a NIC, and an absent `master` none, so these can't be missing. */
export function incompleteLinks(answer: HostLinks): readonly IncompleteLinks[] {
  return answer.links.flatMap((link) => {
    const { name } = link;
    const withLink = (changed: Link): HostLinks => ({
      ...answer,
      links: answer.links.map((one) => (one === link ? changed : one)),
    });
    const { mtu: _mtu, ...withoutMtu } = link;
    const { parent: _parent, ...withoutParent } = link;
    const { vlan: _vlan, ...withoutVlan } = link;
    return [
      {
        what: `the MTU of ${name} is unknown`,
        subject: name,
        value: withLink(withoutMtu),
        hidden: withLink({ ...link, mtu: 576 }),
      },
      ...(link.parent === undefined
        ? []
        : [
            { what: `the parent of ${name} is unknown`, subject: name, value: withLink(withoutParent) },
            {
              what: `the parent of ${name} is in another namespace`,
              subject: name,
              value: withLink({ ...withoutParent, isParentElsewhere: true as const }),
            },
          ]),
      ...(link.vlan
        ? [{ what: `the VLAN of ${name} is unknown`, subject: name, value: withLink(withoutVlan) }]
        : []),
    ];
  });
}
