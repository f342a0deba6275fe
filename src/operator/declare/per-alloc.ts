import Type from 'typebox'

/** What happens to a volume that is no longer declared. */
export const deletionPolicies = ['Retain', 'Deregister', 'Delete'] as const

/** More make no sense in one document: each is a volume of its own. */
const mostInstances = 1000

export const PerAlloc = Type.Object(
  {
    count: Type.Integer({
      minimum: 1,
      maximum: mostInstances,
      description: 'How many volumes there are: <volumeID>[0] and so on, each created by itself.',
    }),
    whenScaled: Type.Optional(
      Type.Enum([...deletionPolicies], {
        default: 'Retain',
        description:
          'What a lowered count does to the volumes beyond it, in the words of deletionPolicy. Retain: nothing; a raised count takes them back.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description:
      'One volume for each allocation of a job whose volume block says per_alloc. Not together with name or externalID. The end of the whole declaration follows deletionPolicy.',
  },
)
