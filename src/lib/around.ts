/**
 * Wraps an operation to observe it, for metrics and traces: calls `run` once, and returns or throws what that returns or
 * throws.
 */
export type Around<Subject, Base = unknown> = <Result extends Base>(
  subject: Subject,
  run: () => Promise<Result>,
) => Promise<Result>

/** Observes nothing. */
export const unobserved: Around<unknown> = (_subject, run) => run()

/** Combines wrappers: the first is the outermost. undefined is left out. */
export function nest<Subject, Base>(
  ...all: readonly (Around<Subject, Base> | undefined)[]
): Around<Subject, Base> {
  const arounds = all.filter((around) => around !== undefined)
  return (subject, run) => {
    const nested = arounds.reduceRight<typeof run>((inner, around) => () => around(subject, inner), run)
    return nested()
  }
}
