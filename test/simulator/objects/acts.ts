import type { Team } from '../world/api-server.ts'

/** What people and fate do to objects and to the API server, beside what they do to files. */
export type ObjectAct =
  | {
      readonly do: 'object'
      /** `let go`: its finalizers are taken off. `replaced`: deleted, let go and made anew at once. */
      readonly to: 'let go' | 'replaced' | 'confirmed' | 'released' | 'touched'
      readonly file: string
    }
  | {
      readonly do: 'api server'
      /** `compacted`: old versions expire. `behind`: what it has in its cache is a minute old. */
      readonly to: 'away' | 'cut off' | 'compacted' | 'failing' | 'behind' | 'well'
    }
  | { readonly do: 'delete namespace'; readonly team: Team }

/** For people. */
export function describeObjectAct(act: ObjectAct): string {
  switch (act.do) {
    case 'object':
      return `a person ${
        {
          'let go': `takes the finalizers off the object of ${act.file}`,
          replaced: `replaces the object of ${act.file} by force`,
          confirmed: `confirms the deletion of the object of ${act.file}`,
          released: `annotates the object of ${act.file} with release=retain`,
          touched: `annotates the object of ${act.file} with reconcile-at`,
        }[act.to]
      }`
    case 'api server':
      return {
        away: 'the API server goes away',
        'cut off': 'the connections to the API server are cut',
        compacted: 'the API server forgets old versions',
        failing: 'the API server fails a third of the requests',
        behind: 'the cache of the API server is a minute old',
        well: 'the API server is well',
      }[act.to]
    case 'delete namespace':
      return `a person deletes the Kubernetes namespace ${act.team}`
  }
}
