import { z } from 'zod';

const refusedClient = z.strictObject({
  mac: z.string(),
  host: z.string(),
  link: z.string(),
  address: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  refusedAt: z.iso.datetime(),
  /** Its port in the cloud. */
  port: z.string().exactOptional(),
});

/** The network of a server, or a client that was refused and has sent nothing since. */
export const dhcpSample = z.strictObject({
  name: z.string(),
  network: z.string().exactOptional(),
  refused: refusedClient.exactOptional(),
});

export type DhcpSample = z.output<typeof dhcpSample>;
export type RefusedClientSample = z.output<typeof refusedClient>;
