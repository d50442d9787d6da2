// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/heads.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace margrave::chains::evm {
namespace {

constexpr std::uint64_t kRange = 10;

// Blocks 0 to 20; a fork changes every hash above its base.
BlockRef block(std::uint64_t number, std::uint64_t fork = 0, std::uint64_t base = 0) {
    const auto hash_at = [&](std::uint64_t n) {
        WordWriter words;
        words.uint(n).uint(n > base ? fork : 0);
        return words.hash();
    };
    BlockRef out;
    out.number = BlockNum(number);
    out.hash = hash_at(number);
    out.parent = number == 0 ? Hash32{} : hash_at(number - 1);
    out.time = UnixSeconds(1000 + number);
    return out;
}

ChainView view_at(std::uint64_t head, std::optional<std::uint64_t> final_number) {
    ChainView out;
    out.head = block(head);
    if (final_number) {
        out.final = block(*final_number);
    }
    out.block_at = [head](BlockNum number) -> std::optional<BlockRef> {
        return number.value <= head ? std::optional(block(number.value)) : std::nullopt;
    };
    return out;
}

/// What one operator says whose chain forks from the ledger's above `base`.
Voice voice_at(
    std::uint64_t latest, std::uint64_t ledger_head, std::uint64_t fork = 0, std::uint64_t base = 0
) {
    Voice out;
    out.operator_name = "one";
    out.endpoint = "node";
    out.latest = block(latest, fork, base);
    out.add(out.latest);
    if (ledger_head <= latest) {
        out.add(block(ledger_head, fork, base));
    }
    return out;
}

/// The same operator, and its answers to every question.
Survey survey_at(
    std::uint64_t latest, std::uint64_t ledger_head, std::uint64_t fork = 0, std::uint64_t base = 0
) {
    Voice voice = voice_at(latest, ledger_head, fork, base);
    for (std::uint64_t n = 0; n <= latest; ++n) {
        voice.add(block(n, fork, base));
    }
    voice.tag = block(std::min<std::uint64_t>(latest, 2), fork, base);
    return Survey{1, {voice}, {}};
}

void tag(Survey& survey, const BlockRef& at) {
    survey.voices[0].tag = at;
    survey.voices[0].add(at);
}

FollowRules rules() {
    FollowRules out;
    out.start_block = BlockNum(3);
    out.range = kRange;
    return out;
}

Result<Step> plan(const ChainView& view, const Survey& survey) {
    return plan_step(view, survey, rules());
}

std::vector<BlockRef> span_of(
    std::uint64_t from, std::uint64_t to, std::uint64_t fork = 0, std::uint64_t base = 0
) {
    std::vector<BlockRef> out;
    for (std::uint64_t n = from; n <= to; ++n) {
        out.push_back(block(n, fork, base));
    }
    return out;
}

TEST(EvmHeads, AtTheSameHeadThereIsNothingToDo) {
    const auto step = plan(view_at(10, 2), survey_at(10, 10));
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step.value().kind, StepKind::kWait);
}

TEST(EvmHeads, NewBlocksAreReadUpToTheRange) {
    auto step = plan(view_at(10, 2), survey_at(11, 10)).value();
    EXPECT_EQ(step.kind, StepKind::kForward);
    EXPECT_EQ(step.from, BlockNum(11));
    EXPECT_EQ(step.to.number, BlockNum(11));
    step = plan(view_at(5, 2), survey_at(20, 5)).value();
    EXPECT_EQ(step.from, BlockNum(6));
    EXPECT_EQ(step.to.number, BlockNum(15));
}

TEST(EvmHeads, AnEmptyLedgerBeginsAtTheStartBlock) {
    const ChainView empty;
    auto step = plan(empty, survey_at(7, 100)).value();
    EXPECT_EQ(step.kind, StepKind::kForward);
    EXPECT_EQ(step.from, BlockNum(3));
    EXPECT_EQ(step.to.number, BlockNum(7));
    step = plan(empty, survey_at(2, 100)).value();
    EXPECT_EQ(step.kind, StepKind::kWait);
    step = plan(empty, survey_at(3, 100)).value();
    EXPECT_EQ(step.kind, StepKind::kForward);
    EXPECT_EQ(step.to.number, BlockNum(3));
}

TEST(EvmHeads, ANodeThatIsOnlyBehindChangesNothing) {
    EXPECT_EQ(plan(view_at(10, 2), survey_at(7, 10)).value().kind, StepKind::kWait);
    EXPECT_EQ(plan(view_at(10, 9), survey_at(7, 10)).value().kind, StepKind::kWait);
}

TEST(EvmHeads, AnotherHashAtTheHeadOrBelowItGoesBack) {
    auto step = plan(view_at(10, 2), survey_at(12, 10, 1, 8)).value();
    EXPECT_EQ(step.kind, StepKind::kBack);
    EXPECT_EQ(step.to.number, BlockNum(10));
    step = plan(view_at(10, 2), survey_at(9, 10, 1, 8)).value();
    EXPECT_EQ(step.kind, StepKind::kBack);
    EXPECT_EQ(step.to.number, BlockNum(9));
}

TEST(EvmHeads, AnotherHashAtTheFinalBlockIsBelowFinality) {
    const auto shorter = plan(view_at(10, 5), survey_at(5, 10, 1, 4));
    ASSERT_FALSE(shorter.has_value());
    EXPECT_EQ(shorter.error().code, Errc::kBelowFinality);
    EXPECT_NE(shorter.error().detail.find("block 5"), std::string::npos);
    EXPECT_EQ(plan(view_at(10, 10), survey_at(12, 10, 1, 9)).error().code, Errc::kBelowFinality);
    Survey heads = survey_at(12, 10);
    tag(heads, block(5, 1, 4));
    EXPECT_EQ(plan(view_at(10, 5), heads).error().code, Errc::kBelowFinality);
    heads = survey_at(12, 10);
    tag(heads, block(4, 1, 3));
    EXPECT_EQ(plan(view_at(10, 5), heads).error().code, Errc::kBelowFinality);
}

TEST(EvmHeads, WithoutABlockAtTheHeadNothingIsKnown) {
    Survey heads = survey_at(12, 10);
    heads.voices[0].blocks.erase(BlockNum(10));
    heads.voices[0].tag.reset();
    EXPECT_EQ(plan(view_at(10, std::nullopt), heads).error().code, Errc::kUnable);
    tag(heads, block(4));
    const auto step = plan(view_at(10, 2), heads);
    ASSERT_TRUE(step.has_value()) << "what is final is agreed on all the same";
    EXPECT_EQ(step.value().kind, StepKind::kWait);
    EXPECT_NE(step.value().waits_for.find("block 10"), std::string::npos);
}

TEST(EvmHeads, OnceFinalAChainMustGoOnSayingWhatIsFinal) {
    Survey heads = survey_at(12, 10);
    heads.voices[0].tag.reset();
    EXPECT_TRUE(plan(view_at(10, std::nullopt), heads).has_value());
    EXPECT_EQ(plan(view_at(10, 2), heads).error().code, Errc::kUnable);
}

TEST(EvmHeads, LinksHoldFromTheHeadOn) {
    EXPECT_TRUE(check_links(block(5), span_of(6, 9)).has_value());
    EXPECT_TRUE(check_links(std::nullopt, span_of(0, 9)).has_value());
    EXPECT_TRUE(check_links(block(5), {}).has_value());
    EXPECT_FALSE(check_links(block(4), span_of(6, 9)).has_value()) << "gap";
    EXPECT_FALSE(check_links(block(6), span_of(6, 9)).has_value()) << "repeat";
    EXPECT_FALSE(check_links(block(5), span_of(6, 9, 1, 4)).has_value()) << "other parent";
    auto blocks = span_of(6, 9);
    blocks[2] = block(8, 1, 7);
    EXPECT_FALSE(check_links(block(5), blocks).has_value()) << "two forks in one range";
    blocks = span_of(6, 9);
    blocks[1].time = UnixSeconds(1);
    EXPECT_EQ(check_links(block(5), blocks).error().code, Errc::kUnproved) << "time falls";
    blocks = span_of(6, 9);
    blocks[1].time = blocks[0].time;
    EXPECT_TRUE(check_links(block(5), blocks).has_value()) << "equal times are of rollups";
}

TEST(EvmHeads, TheAncestorIsTheHighestBlockOfBothChains) {
    const ChainView view = view_at(10, 2);
    const auto found = common_ancestor(view, span_of(4, 10, 1, 7));
    ASSERT_TRUE(found.has_value());
    ASSERT_TRUE(found.value().has_value());
    EXPECT_EQ(*found.value(), block(7));
    EXPECT_FALSE(common_ancestor(view, span_of(8, 10, 1, 7)).value().has_value());
    const auto final_changed = common_ancestor(view, span_of(2, 10, 1, 1));
    ASSERT_FALSE(final_changed.has_value());
    EXPECT_EQ(final_changed.error().code, Errc::kBelowFinality);
    EXPECT_EQ(*common_ancestor(view, span_of(2, 10, 1, 2)).value(), block(2));
}

TEST(EvmHeads, FinalityIsToldOnceAndNeverGoesBack) {
    const auto told = [](std::uint64_t final_number, std::optional<BlockRef> agreed) {
        return newly_final(view_at(10, final_number), agreed, {}).value();
    };
    EXPECT_FALSE(told(2, std::nullopt).has_value()) << "none yet";
    EXPECT_EQ(*told(2, block(6)), block(6));
    EXPECT_FALSE(told(6, block(6)).has_value());
    EXPECT_FALSE(told(7, block(6)).has_value());
    EXPECT_EQ(*told(2, block(10)), block(10));
    EXPECT_FALSE(told(2, block(11)).has_value());
    const auto after = span_of(11, 12);
    EXPECT_EQ(*newly_final(view_at(10, 2), block(11), after).value(), block(11));
    EXPECT_EQ(*newly_final(view_at(10, 2), block(12), after).value(), block(12));
    EXPECT_EQ(*newly_final(view_at(10, 2), block(19), after).value(), block(12))
        << "what is applied lies below the final block";
    const auto other = newly_final(view_at(10, 2), block(8, 1, 7), {});
    EXPECT_EQ(other.error().code, Errc::kUnproved);
    EXPECT_EQ(newly_final(view_at(10, 2), block(12, 1, 7), after).error().code, Errc::kUnproved);
}

TEST(EvmHeads, FinalityByDepthCountsFromTheLatest) {
    FollowRules by_depth = rules();
    by_depth.finality.mode = FinalityMode::kDepth;
    by_depth.finality.depth = 3;
    const Survey heads = survey_at(12, 10);
    EXPECT_EQ(*plan_step(view_at(10, 2), heads, by_depth).value().final, block(9));
    by_depth.finality.depth = 0;
    EXPECT_EQ(*plan_step(view_at(10, 2), heads, by_depth).value().final, block(12));
    by_depth.finality.depth = 13;
    EXPECT_FALSE(plan_step(view_at(10, 2), heads, by_depth).value().final.has_value());
}

// What follows is about several operators: a, b and c, of whom two must agree.

Survey three(std::vector<Voice> voices, std::vector<Silence> silent = {}) {
    constexpr std::array<std::string_view, 3> kNames{"a", "b", "c"};
    for (std::size_t i = 0; i < voices.size(); ++i) {
        voices[i].operator_name = kNames[i];
        voices[i].endpoint = "node-" + std::string(kNames[i]);
    }
    return Survey{2, std::move(voices), std::move(silent)};
}

Voice knows_all(std::uint64_t latest, std::uint64_t fork = 0, std::uint64_t base = 0) {
    Voice out = survey_at(latest, 0, fork, base).voices[0];
    out.tag.reset();
    if (latest >= 8) {
        out.tag = block(latest - 8, fork, base);
    }
    return out;
}

TEST(EvmAgreement, TheHighestBlockIsOneThatEnoughOperatorsHave) {
    const auto step = plan(view_at(10, 2), three({knows_all(12), knows_all(14), knows_all(13)}));
    ASSERT_TRUE(step.has_value()) << step.error().detail;
    EXPECT_EQ(step.value().kind, StepKind::kForward);
    EXPECT_EQ(step.value().to, block(13));
    EXPECT_EQ(*step.value().final, block(5));
}

TEST(EvmAgreement, OneLiarAmongThreeMovesNothing) {
    const ChainView view = view_at(10, 4);
    const Voice liar = knows_all(20, 7, 3);
    const Survey survey = three({knows_all(13), liar, knows_all(12)});
    const auto step = plan(view, survey);
    ASSERT_TRUE(step.has_value()) << step.error().detail;
    EXPECT_EQ(step.value().kind, StepKind::kForward);
    EXPECT_EQ(step.value().to, block(12)) << "at 13 the liar stands against one, at 12 two agree";
    EXPECT_EQ(*step.value().final, block(5));
    const auto refuted = contradictions(view, survey, step.value().final);
    ASSERT_EQ(refuted.size(), 1U);
    EXPECT_EQ(refuted[0].operator_name, "b");
    EXPECT_EQ(refuted[0].kind, "final-block");
    EXPECT_NE(refuted[0].detail.find(to_hex(block(5, 7, 3).hash)), std::string::npos);
    EXPECT_NE(refuted[0].detail.find(to_hex(block(5).hash)), std::string::npos);
}

TEST(EvmAgreement, ALiarAloneIsNotBelievedWhenTheOthersAreSilent) {
    const Voice liar = knows_all(20, 7, 3);
    const Survey survey =
        three({liar}, {{"b", "took longer than 5000 ms"}, {"c", "took longer than 5000 ms"}});
    const auto step = plan(view_at(10, 4), survey);
    ASSERT_FALSE(step.has_value());
    EXPECT_EQ(step.error().code, Errc::kUnable);
    EXPECT_NE(step.error().detail.find("1 of 2 operators"), std::string::npos);
    EXPECT_NE(step.error().detail.find("b: took longer than 5000 ms"), std::string::npos);
    EXPECT_TRUE(questions(view_at(10, 4), survey, rules()).empty());
}

TEST(EvmAgreement, TwoThatContradictEachOtherAgreeOnNothing) {
    const Survey survey = three({knows_all(13), knows_all(13, 7, 3)}, {{"c", "is down"}});
    const auto step = plan(view_at(10, 4), survey);
    ASSERT_FALSE(step.has_value());
    EXPECT_EQ(step.error().code, Errc::kUnable);
    EXPECT_NE(step.error().detail.find("1 of 2 operators"), std::string::npos);
    EXPECT_NE(step.error().detail.find("c: is down"), std::string::npos);
}

TEST(EvmAgreement, TwoPartiesOfEnoughAgreeOnNothing) {
    Survey survey = three({knows_all(13), knows_all(13), knows_all(13, 7, 3)});
    survey.voices.push_back(survey.voices.back());
    survey.voices.back().operator_name = "d";
    EXPECT_FALSE(vote(survey, BlockNum(13)).agreed.has_value());
    EXPECT_EQ(plan(view_at(10, 4), survey).error().code, Errc::kUnable);
}

TEST(EvmAgreement, AForkAtTheHeadWaitsWhileWhatIsFinalIsAgreed) {
    const Survey survey = three({knows_all(13, 7, 12), knows_all(13)});
    const ChainView view = view_at(12, 4);
    const auto step = plan(view, survey);
    ASSERT_TRUE(step.has_value()) << step.error().detail;
    EXPECT_EQ(step.value().kind, StepKind::kWait);
    EXPECT_EQ(*step.value().final, block(5));
    EXPECT_NE(step.value().waits_for.find("block 13"), std::string::npos);
    EXPECT_TRUE(contradictions(view, survey, step.value().final).empty());
}

TEST(EvmAgreement, GoingBackNeedsAsManyAsGoingForward) {
    const ChainView view = view_at(12, 2);
    const auto one = plan(view, three({knows_all(13, 7, 9), knows_all(13), knows_all(13)}));
    EXPECT_EQ(one.value().kind, StepKind::kForward);
    const auto two = plan(view, three({knows_all(13, 7, 9), knows_all(13, 7, 9), knows_all(13)}));
    EXPECT_EQ(two.value().kind, StepKind::kBack);
    EXPECT_EQ(two.value().to, block(12, 7, 9));
}

TEST(EvmAgreement, OnlyEnoughOperatorsCanCallFinalityViolated) {
    const ChainView view = view_at(12, 8);
    const auto one = plan(view, three({knows_all(13), knows_all(13), knows_all(13, 7, 3)}));
    EXPECT_TRUE(one.has_value());
    const auto two = plan(view, three({knows_all(13, 7, 3), knows_all(13, 7, 3), knows_all(13)}));
    ASSERT_FALSE(two.has_value());
    EXPECT_EQ(two.error().code, Errc::kBelowFinality);
}

TEST(EvmAgreement, AFinalBlockThatGoesBackMovesNothing) {
    Survey survey = three({knows_all(13), knows_all(13)});
    survey.voices[0].tag = block(1);
    survey.voices[1].tag = block(1);
    const auto step = plan(view_at(13, 4), survey);
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(*step.value().final, block(1));
    EXPECT_FALSE(newly_final(view_at(13, 4), step.value().final, {}).value().has_value());
}

TEST(EvmAgreement, OnlyWhatNobodySaidYetIsAskedFor) {
    const auto fresh = [](std::uint64_t latest) {
        Voice voice = voice_at(latest, 10);
        voice.tag = block(4);
        voice.add(block(4));
        return voice;
    };
    EXPECT_TRUE(questions(view_at(10, 4), three({fresh(10), fresh(10)}), rules()).empty());
    EXPECT_TRUE(questions(view_at(10, 4), three({fresh(11), fresh(11)}), rules()).empty());
    EXPECT_EQ(
        questions(view_at(10, 4), three({fresh(12), fresh(11)}), rules()),
        (std::vector{BlockNum(11)})
    );
    EXPECT_EQ(
        questions(view_at(10, 4), three({fresh(40), fresh(41)}), rules()),
        (std::vector{BlockNum(20)})
    );
    Survey tags = three({fresh(10), fresh(10)});
    tags.voices[1].tag = block(6);
    tags.voices[1].blocks.erase(BlockNum(4));
    tags.voices[1].add(block(6));
    EXPECT_EQ(questions(view_at(10, 4), tags, rules()), (std::vector{BlockNum(4)}));
}

TEST(EvmAgreement, ASentenceAboutManyOperatorsIsBounded) {
    Survey survey = three({knows_all(13)});
    for (int i = 0; i < 64; ++i) {
        survey.silent.push_back({"operator-" + std::to_string(i), std::string(200, 'x')});
    }
    EXPECT_LT(too_few(survey).size(), 1'000U);
    EXPECT_LT(disagreement(survey, BlockNum(13)).size(), 1'000U);
}

}  // namespace
}  // namespace margrave::chains::evm
