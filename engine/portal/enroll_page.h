/*
 * enroll_page.h - the pages of people who enroll a device: HTML forms without
 * script, readable on a phone, light and dark.
 */
#ifndef MDMFS_PORTAL_ENROLL_PAGE_H
#define MDMFS_PORTAL_ENROLL_PAGE_H

#include "engine/model/enroll_form.h"

enroll_form_fn enroll_page;

#endif
