import Type from 'typebox'

const detachPolicies = ['Never', 'Stale'] as const

export const Detach = Type.Object(
  {
    policy: Type.Optional(
      Type.Enum([...detachPolicies], {
        default: 'Never',
        description:
          'Stale: a claim is freed whose allocation is gone, or ended by what its own client reported, on a node that is ready or no longer known. Never: Nomad alone frees claims.',
      }),
    ),
    nodes: Type.Optional(
      Type.Array(
        Type.String({
          maxLength: 36,
          pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
          patternErrorMessage: 'is not the full ID of a Nomad node: nomad node status -verbose shows it',
        }),
        {
          uniqueItems: true,
          maxItems: 1000,
          description:
            'IDs of Nomad nodes where the volume must not stay attached once nothing living claims it there.',
        },
      ),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Whether Mooring takes the volume off nodes where nothing uses it any more. It never does so where a writer may live.',
  },
)
