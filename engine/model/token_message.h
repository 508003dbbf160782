/*
 * token_message.h - the push token in a TokenUpdate.
 */
#ifndef MDMFS_MODEL_TOKEN_MESSAGE_H
#define MDMFS_MODEL_TOKEN_MESSAGE_H

#include "engine/base/pl.h"
#include "engine/model/channels.h"

/* Token, PushMagic and Topic of the message.  ERR_INVALID: which is missing or
 * too long. */
enum err_code token_of_message(
    const struct pl *message, struct push_token *ret, struct err *err);

#endif
