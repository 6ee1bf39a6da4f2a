import { z } from 'zod';

/** A namespace of Kubernetes, for the arguments of a check: https://datatracker.ietf.org/doc/html/rfc1123#section-2 */
export const namespaceArgument = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, {
    error: 'use the name of a namespace, such as kube-system',
  })
  .optional();
