import { z } from 'zod';
import {
  allowOption,
  caOption,
  nameOption,
  nonEmptyText,
  timeoutOption,
  urlOption,
  userOption,
} from '../options.ts';

const purge = z
  .strictObject({
    username: nonEmptyText
      .exactOptional()
      .meta({ description: 'The user for purging. Default: `user` of the source.' }),
    password: nonEmptyText.exactOptional().meta({ description: 'Its password.', secret: true }),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    error: 'needs both `username` and `password`, or neither',
  })
  .meta({
    description:
      'Allows purging one queue at a time, if no one consumes it and it carries no calls of OpenStack services. `{}` uses the user for reading; another ' +
      'user is used only for purging.',
  });

/** The `rabbitmq` source in `wrench.yaml`: one cluster, by the management API of its nodes. */
export const rabbitmqConfig = z
  .strictObject({
    kind: z.literal('rabbitmq').meta({ description: 'A RabbitMQ cluster: its nodes, alarms and queues.' }),
    name: nameOption('rabbitmq'),
    urls: z
      .array(urlOption({ protocols: ['http', 'https'] }))
      .min(1)
      .refine((urls) => new Set(urls).size === urls.length, { error: 'must not list an address twice' })
      .meta({
        description:
          'The management API of each node, not of a load balancer: `[https://ctl-1.example.internal:15671, …]`. A node that others no longer see is only ' +
          'found by asking it.',
      }),
    user: userOption({
      username:
        'The user name. It needs the tag `monitoring`, and a permission in each virtual host, which may match nothing.',
      password: 'The password.',
    }).meta({ description: 'The user for reading.' }),
    ca: caOption('the certificates of the nodes'),
    allow: allowOption({ purge: purge.exactOptional() }).default({}),
    timeoutMs: timeoutOption(),
  })
  .meta({ description: 'Message queues of a RabbitMQ cluster.' });

export type RabbitmqConfig = z.output<typeof rabbitmqConfig>;
