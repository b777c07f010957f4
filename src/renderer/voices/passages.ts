/** Texts to read aloud, of ten to fifteen seconds. Each has nearly every sound of English, said as people say them. */
export const PASSAGES = [
  'On Thursday the harbour was quiet. Two children watched a huge grey ship go by, counted the flags, and argued about which one was theirs. Then the church clock struck five, and they ran home through the rain.',
  'My uncle mends old radios. He usually finds what is wrong in a minute, but he enjoys the job, so he takes an hour. “Patience,” he says, “is just a fast thing done slowly.” I never quite understood that.',
  'If you boil the beans too long, they turn to mush. Six minutes, a pinch of salt, some oil and fresh thyme: that is the whole secret. The cheese goes on top, while everybody is already waiting at the table.',
] as const;
