import { z } from 'zod';
import { caOption, nameOption, nonEmptyText, timeoutOption, urlOption, userOption } from '../options.ts';

const clientAuth = z.strictObject({
  client: z
    .strictObject({
      id: nonEmptyText.meta({ description: 'The id of the client in the UAA of Ops Manager.' }),
      secret: nonEmptyText.meta({ description: 'The secret of the client.', secret: true }),
    })
    .meta({ description: 'Log in as a client (`client_credentials`).' }),
});

const userAuth = z.strictObject({
  user: userOption().meta({ description: 'Log in as a user of Ops Manager.' }),
});

/** The `opsman` source in `wrench.yaml`: an Ops Manager and the certificates of its deployments. */
export const opsmanConfig = z
  .strictObject({
    kind: z
      .literal('opsman')
      .meta({ description: 'A Tanzu Operations Manager: the certificates of its deployments.' }),
    name: nameOption('opsman'),
    url: urlOption({ protocols: ['https'] }).meta({
      description: 'The address: `https://opsman.example.com`.',
    }),
    ca: caOption('the certificate of Ops Manager'),
    auth: z.union([clientAuth, userAuth]).meta({
      description:
        'How to log in: `client` or `user`, with the scope `opsman.restricted_view`, which reads no credentials.',
    }),
    timeoutMs: timeoutOption(),
  })
  .meta({ description: 'Certificates of the deployments of a Tanzu Operations Manager.' });

export type OpsmanConfig = z.output<typeof opsmanConfig>;
