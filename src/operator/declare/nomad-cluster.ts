import Type from 'typebox'
import { Check } from 'typebox/value'
import { idPattern } from './allowed-ids.ts'
import { Document } from './document.ts'
import { explainFaults, type Hints, type Reading } from './explain-faults.ts'
import type { DeepReadonly } from './fields.ts'
import { Identifier, ObjectName } from './fields.ts'
import { rules, unquoted } from './kubernetes.ts'

const needsHttps =
  'begins with http, and caCert, clientCertificate and tlsServerName are for TLS: write https'

const SecretName = ObjectName("Name of the Secret, in the operator's own Kubernetes namespace.")

const SecretKey = (description: string) =>
  Type.Object(
    {
      name: SecretName,
      key: Type.String({
        minLength: 1,
        maxLength: 253,
        pattern: '^[-._a-zA-Z0-9]+$',
        patternErrorMessage: 'is not a key of a Secret: letters, digits, "-", "_" and "."',
        description: "Key of the value in the Secret's data.",
      }),
    },
    { additionalProperties: false, description },
  )

const NomadClusterSpecSchema = Type.Object(
  {
    address: Type.String({
      ...unquoted,
      maxLength: 2048,
      pattern: '^https?://[^\\s/?#@]+/?$',
      patternErrorMessage:
        "is not the address of Nomad's HTTP API: write https:// and a host, such as https://nomad.example:4646, with neither user nor password",
      description:
        "Address of Nomad's HTTP API, such as https://nomad.example:4646. It may change: a cluster is what stands behind it.",
    }),
    region: Type.Optional(
      Identifier(
        'Region that is asked. Not given: the one of the agent at the address. It is a part of the names that new volumes are given, so it cannot change.',
        128,
      ),
    ),
    tlsServerName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          "Name in the server's certificate, where it is not the address's host, such as server.global.nomad.",
      }),
    ),
    caCert: Type.Optional(
      SecretKey(
        "Certificates, in PEM, of the authority that signed the server's. Not given: those that the operator's image trusts.",
      ),
    ),
    token: Type.Optional(SecretKey('Secret ID of the ACL token. Not given: requests are anonymous.')),
    allowExternalIDs: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }),
        Type.Array(
          Type.String({
            maxLength: 2048,
            pattern: idPattern,
            patternErrorMessage: 'is not <plugin>/<ID>, without commas: write one such as ebs0/vol-b-*',
          }),
          { maxItems: 256 },
        ),
        {
          additionalProperties: false,
          patternErrorMessage: 'is not the name of a Kubernetes namespace',
          maxProperties: 1024,
          description:
            "By Kubernetes namespace, the plugin's own IDs and names that its objects may name in spec.externalID, spec.snapshotID, spec.source, spec.name and mooring.dev/restore-from: <plugin>/<ID>, where a * at the end stands for any rest, and * as the plugin for any. Not given: only what Mooring made for the namespace.",
        },
      ),
    ),
    clientCertificate: Type.Optional(
      Type.Object(
        { name: SecretName },
        {
          additionalProperties: false,
          description:
            'Secret of type kubernetes.io/tls (keys tls.crt and tls.key) with the certificate that the operator shows to Nomad.',
        },
      ),
    ),
  },
  {
    additionalProperties: false,
    description: 'Where the Nomad cluster is, and how the operator proves who it is.',
    ...rules(
      {
        rule: 'has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)',
        message: 'region is part of the names of volumes and cannot change: declare another NomadCluster',
        fieldPath: '.region',
      },
      {
        rule: "self.address.startsWith('https:') || !(has(self.caCert) || has(self.clientCertificate) || has(self.tlsServerName))",
        message: `address ${needsHttps}`,
        fieldPath: '.address',
      },
    ),
  },
)

/** The schema of the object. There are no such files: those are for the cluster of the NOMAD_* settings. */
export const NomadClusterDocument = Document(
  'NomadCluster',
  NomadClusterSpecSchema,
  'A Nomad cluster that objects name as spec.cluster. Its Secrets are in the namespace of the operator.',
)

export type NomadClusterSpec = DeepReadonly<Type.Static<typeof NomadClusterSpecSchema>>

const hints: Hints = {
  'spec.url': 'write it as address',
  'spec.tokenSecretRef': 'write token: {name: …, key: …}',
}

/** Reads a NomadCluster object. */
export function readNomadCluster(value: unknown): Reading<NomadClusterSpec> {
  if (!Check(NomadClusterDocument, value))
    return { faults: explainFaults(NomadClusterDocument, value, hints) }
  const { metadata, spec } = value
  const usesTls =
    spec.caCert !== undefined || spec.clientCertificate !== undefined || spec.tlsServerName !== undefined
  if (usesTls && !spec.address.startsWith('https:')) {
    const message = needsHttps
    return { faults: [{ path: ['spec', 'address'], message }] }
  }
  return { name: metadata.name, labels: metadata.labels ?? {}, spec }
}
