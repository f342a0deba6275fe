import Type from 'typebox'

/** What a policy may grant in a namespace that this server asks for. */
export type NamespaceCapability =
  | 'csi-list-volume'
  | 'csi-read-volume'
  | 'csi-write-volume'
  | 'csi-mount-volume'
  | 'host-volume-read'
  | 'host-volume-create'
  | 'host-volume-register'
  | 'host-volume-delete'
  | 'list-jobs'
  | 'read-job'

/** Nomad's own names (acl/policy.go), so that its policies can be taken over; most mean nothing here. */
const capabilityNames = [
  'deny',
  ...['list-jobs', 'parse-job', 'read-job', 'submit-job', 'dispatch-job', 'read-logs', 'read-fs'],
  ...['alloc-exec', 'alloc-node-exec', 'alloc-lifecycle', 'sentinel-override', 'csi-register-plugin'],
  ...['csi-write-volume', 'csi-read-volume', 'csi-list-volume', 'csi-mount-volume'],
  ...['host-volume-create', 'host-volume-register', 'host-volume-read', 'host-volume-write'],
  ...['host-volume-delete', 'list-scaling-policies', 'read-scaling-policy', 'read-job-scaling', 'scale-job'],
  ...['submit-recommendation', 'register-job', 'revert-job', 'deregister-job', 'purge-job', 'evaluate-job'],
  ...['plan-job', 'tag-job-version', 'stable-job', 'fail-deployment', 'pause-deployment'],
  ...['promote-deployment', 'unblock-deployment', 'cancel-deployment', 'set-alloc-health-deployment'],
  ...['gc-allocation', 'pause-allocation', 'force-periodic-job', 'delete-service-registration'],
] as const

const strict = { additionalProperties: false } as const

const NamespaceRule = Type.Object(
  {
    policy: Type.Optional(Type.Enum(['deny', 'read', 'write', 'scale'])),
    capabilities: Type.Optional(Type.Array(Type.Enum(capabilityNames))),
    /** Nomad's Variables, which are not served here. */
    variables: Type.Optional(Type.Unknown()),
  },
  strict,
)
const Level = Type.Object({ policy: Type.Enum(['deny', 'read', 'write']) }, strict)

/** A policy in Nomad's JSON form. Names of namespaces may hold `*`. */
export const Policy = Type.Object(
  {
    namespace: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z0-9*-]{1,128}$' }), NamespaceRule, strict),
    ),
    plugin: Type.Optional(Type.Object({ policy: Type.Enum(['deny', 'list', 'read', 'write']) }, strict)),
    node: Type.Optional(Level),
    agent: Type.Optional(Level),
    // Nomad's rules for what is not served here.
    node_pool: Type.Optional(Type.Unknown()),
    host_volume: Type.Optional(Type.Unknown()),
    operator: Type.Optional(Type.Unknown()),
    sentinel: Type.Optional(Type.Unknown()),
    quota: Type.Optional(Type.Unknown()),
  },
  strict,
)
export type Policy = Type.Static<typeof Policy>
type NamespaceRule = Type.Static<typeof NamespaceRule>

const read = ['list-jobs', 'read-job', 'csi-list-volume', 'csi-read-volume', 'host-volume-read'] as const
const shorthands: Readonly<Record<NonNullable<NamespaceRule['policy']>, readonly string[]>> = {
  deny: ['deny'],
  read,
  write: [...read, 'csi-mount-volume', 'csi-write-volume', 'host-volume-create'],
  scale: ['read-job'],
}

/** A capability that holds others (Nomad: acl/policy.go). */
const held: Readonly<Record<string, readonly NamespaceCapability[]>> = {
  'host-volume-write': [
    'host-volume-register',
    'host-volume-create',
    'host-volume-delete',
    'host-volume-read',
  ],
  'host-volume-register': ['host-volume-create', 'host-volume-read'],
  'host-volume-create': ['host-volume-read'],
}

/** The capabilities that a rule grants. Its shorthand becomes the capabilities that this server knows. */
export function capabilitiesOf({ policy, capabilities = [] }: NamespaceRule): readonly string[] {
  const granted = [...(policy === undefined ? [] : shorthands[policy]), ...capabilities]
  return granted.flatMap((name) => [name, ...(held[name] ?? [])])
}
