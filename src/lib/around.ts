/**
 * Goes around an operation to observe it: calls `run` once and gives back what that gives, or throws what it
 * throws. Metrics and traces are added so, and what they are added to knows neither.
 */
export type Around<Subject, Base = unknown> = <Result extends Base>(
  subject: Subject,
  run: () => Promise<Result>,
) => Promise<Result>

/** Observes nothing. */
export const unobserved: Around<unknown> = (_subject, run) => run()

/** The first goes around the second, and so on; undefined is left out. */
export function nest<Subject, Base>(
  ...all: readonly (Around<Subject, Base> | undefined)[]
): Around<Subject, Base> {
  const arounds = all.filter((around) => around !== undefined)
  return (subject, run) => {
    const nested = arounds.reduceRight<typeof run>((inner, around) => () => around(subject, inner), run)
    return nested()
  }
}
